// The page: what all sources share, and the choice of the source.

import { BrowserSource } from "./browser.js";
import { LiveSource } from "./live.js";
import { $, element, Plots, showPeople } from "./panels.js";
import { Player } from "./player.js";
import { Stage } from "./stage.js";

const HISTORY_SECONDS = 10;

class App {
  constructor() {
    this.switches = { boxes: false, ids: true, trails: false, names: false, times: false };
    this.stage = new Stage($("picture"), this.switches);
    this.plots = new Plots();
    this.history = new Map(); // id → [{time, person}]
    this.known = new Map(); // id → {id, colour, seen}
    this.paused = false;
    this.time = 0;
    this.actions = {
      pause: () => this.source.pause?.() ?? this.setPaused(!this.paused),
      screenshot: () => this.screenshot(),
      record: () => this.source.record?.(),
      back: () => this.source.step?.(-1),
      forth: () => this.source.step?.(1),
    };
    this.listen();
  }

  listen() {
    for (const button of document.querySelectorAll("[data-act]")) {
      button.addEventListener("click", () => this.actions[button.dataset.act]());
    }
    for (const button of document.querySelectorAll("[data-switch]")) {
      button.addEventListener("click", () => this.toggle(button.dataset.switch));
    }
    $("picture").addEventListener("click", (event) => this.follow(this.stage.personAt(event)));
    $("help").addEventListener("click", () => this.help());
    document.addEventListener("keydown", (event) => this.key(event));
    this.showSwitches();
    setInterval(() => this.refresh(), 120);
  }

  // The page's own keys; typing into fields is left alone.
  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.matches("input[type=number], select") || $("keys").open) return;
    const name = { " ": "space", ArrowLeft: "←", ArrowRight: "→" }[event.key] ?? event.key.toLowerCase();
    if (name === "escape") return this.follow(null);
    if (name === "h" || name === "?") return this.help();
    if (this.source.key?.(name)) return event.preventDefault();
    const button = [...document.querySelectorAll("[data-key]")].find((b) => b.dataset.key === name);
    if (!button || !button.offsetParent) return;
    event.preventDefault();
    button.click();
  }

  help() {
    const buttons = [...document.querySelectorAll("[data-key]")].filter((b) => b.offsetParent);
    const rows = buttons.map((b) => [b.dataset.key, b.title || b.textContent]);
    rows.push(["esc", "Follow nobody"], ["h", "This list"]);
    $("key-list").replaceChildren(...rows.flatMap(([key, text]) => [element("dt", { textContent: key }), element("dd", { textContent: text })]));
    $("keys").showModal();
  }

  toggle(name) {
    this.switches[name] = !this.switches[name];
    this.showSwitches();
    this.stage.draw();
  }

  showSwitches() {
    for (const button of document.querySelectorAll("[data-switch]")) {
      button.ariaPressed = this.switches[button.dataset.switch];
    }
    $("stages").hidden = !this.switches.times;
  }

  setPaused(paused) {
    this.paused = paused;
    const button = document.querySelector("[data-act=pause]");
    button.textContent = paused ? "Go on" : "Pause";
    button.ariaPressed = paused;
  }

  follow(id) {
    this.stage.followed = id === this.stage.followed ? null : id;
    this.stage.draw();
    this.source.followed?.(this.stage.followed);
    this.refresh();
  }

  screenshot() {
    this.stage.canvas.toBlob((blob) => save(blob, `screenshot_${stamp()}.png`), "image/png");
  }

  learn(facts) {
    this.stage.facts = facts;
    this.plots.learn(facts);
    $("source").textContent = facts.camera;
    document.title = `${facts.camera} · simpleposetrack`;
  }

  forget() {
    this.history.clear();
    this.known.clear();
    this.stage.trails.clear();
    this.stage.followed = null;
    this.time = 0;
  }

  // A new frame: kept for the plots and the list, and drawn unless paused.
  show(picture, frame) {
    if (this.paused) return;
    if (frame) this.note(frame);
    this.stage.show(picture, frame);
  }

  note(frame) {
    this.time = frame.time;
    for (const person of frame.people) {
      this.known.set(person.id, { id: person.id, colour: person.colour, seen: frame.time, score: person.score });
      if (!this.history.has(person.id)) this.history.set(person.id, []);
      this.history.get(person.id).push({ time: frame.time, person });
    }
    for (const [id, samples] of this.history) {
      const last = samples.at(-1);
      if (last.person && last.time < frame.time) samples.push({ time: frame.time, person: null });
      while (samples.length && samples[0].time < frame.time - HISTORY_SECONDS) samples.shift();
      if (!samples.length) {
        this.history.delete(id);
        this.known.delete(id);
      }
    }
    $("stages").replaceChildren(...Object.entries(frame.stages ?? {}).map(([name, ms]) =>
      element("tr", {}, element("td", { textContent: name }), element("td", { textContent: `${ms.toFixed(1)} ms` }))));
  }

  // What need not follow every frame: the list and the plots.
  refresh() {
    if (!this.source || this.source.refresh?.()) return;
    const people = [...this.known.values()].sort((a, b) => a.id - b.id).map((p) => ({
      ...p,
      gone: p.seen < this.time,
      text: p.seen < this.time ? `gone ${(this.time - p.seen).toFixed(0)} s` : `score ${p.score.toFixed(2)}`,
    }));
    showPeople(people, { followed: this.stage.followed, hidden: this.stage.hidden, filter: false, onFollow: (id) => this.follow(id) });
    const id = this.stage.followed ?? people.find((p) => !p.gone)?.id;
    this.plots.draw(this.history.get(id) ?? [], this.time - HISTORY_SECONDS, this.time);
  }

  setState(state, text = state) {
    $("state").dataset.state = state;
    $("state").textContent = text;
  }

  notice(text) {
    $("notice").textContent = text;
    $("notice").hidden = !text;
  }
}

export function save(blob, name) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function stamp() {
  return new Date().toISOString().slice(0, 19).replace("T", "_").replaceAll(":", ".");
}

const SOURCES = { live: LiveSource, browser: BrowserSource, player: Player };

async function start() {
  const asked = new URLSearchParams(location.search).get("source");
  const { mode } = await (await fetch("/session")).json();
  const app = new App();
  window.app = app; // for curious people and their consoles
  const kind = mode === "live" && asked === "browser" ? "browser" : mode;
  for (const part of document.querySelectorAll("[data-mode]")) part.hidden = part.dataset.mode !== kind;
  app.source = new SOURCES[kind](app);
}

start();
