// A finished run: scrub, filter, plot, correct ids, save.

import { $, element, showPeople } from "./panels.js";
import { prepare } from "./plot.js";
import { foot, TRAIL_SECONDS } from "./stage.js";

const KEPT_PICTURES = 90, AHEAD = 8, PLOT_SECONDS = 4, ROW = 9, GAP = 3;

export class Player {
  constructor(app) {
    this.app = app;
    this.pictures = new Map(); // frame number → promise of its picture
    this.at = 0;
    this.playing = false;
    $("timeline").hidden = false;
    $("edit").hidden = false;
    $("scrub").addEventListener("input", () => this.seek(+$("scrub").value));
    $("lanes").addEventListener("pointerdown", (event) => this.pick(event));
    $("lanes").addEventListener("pointermove", (event) => event.buttons && this.pick(event, false));
    $("edit-form").addEventListener("submit", (event) => event.preventDefault());
    for (const button of document.querySelectorAll("[data-edit]")) {
      button.addEventListener("click", () => this.edit(button.dataset.edit));
    }
    $("save").addEventListener("click", () => this.save());
    window.addEventListener("resize", () => this.drawLanes());
    app.setPaused(true);
    app.stage.trailsOf = () => this.trails();
    this.load();
  }

  async load() {
    this.run = await (await fetch("/run")).json();
    this.app.learn(this.run);
    this.app.setState("", "finished run");
    this.frames = this.run.frames;
    $("scrub").max = this.frames.length - 1;
    this.takeIds(this.run);
    this.seek(0);
  }

  // The present ids of all people: the record's order, 0 where somebody was deleted.
  takeIds({ ids, colours, edits }) {
    this.tracks = new Map(); // id → {id, colour, people: Map frame position → person}
    this.shown = this.frames.map((record, at) => {
      const people = record.people.map((person, i) => ({ ...person, id: ids[at][i], colour: colours[ids[at][i]] })).filter(({ id }) => id);
      for (const person of people) {
        const track = this.tracks.get(person.id) ?? { id: person.id, colour: person.colour, people: new Map() };
        track.people.set(at, person);
        this.tracks.set(person.id, track);
      }
      return { ...record, people, width: this.run.width, height: this.run.height };
    });
    if (!this.tracks.has(this.app.stage.followed)) this.app.stage.followed = null;
    $("edits").textContent = edits.length ? `${edits.length} corrections, the last: ${edits.at(-1)}` : "";
    this.followed(this.app.stage.followed);
    this.drawLanes();
  }

  picture(at) {
    const { frame } = this.frames[at];
    if (!this.pictures.has(frame)) {
      this.pictures.set(frame, fetch(`/frames/${frame}.jpg`).then(async (answer) =>
        answer.ok ? createImageBitmap(await answer.blob()) : null, () => null));
      if (this.pictures.size > KEPT_PICTURES) this.pictures.delete(this.pictures.keys().next().value);
    }
    return this.pictures.get(frame);
  }

  async seek(at) {
    this.at = Math.min(Math.max(0, at), this.frames.length - 1);
    const wanted = this.at, record = this.shown[wanted];
    $("scrub").value = wanted;
    $("position").textContent = `${record.frame} · ${record.time.toFixed(2)} s`;
    const picture = await this.picture(wanted);
    if (wanted !== this.at) return; // somebody scrubbed on meanwhile
    if (!picture) this.app.notice(`The video has no frame ${record.frame}.`);
    else this.app.notice("");
    this.app.stage.show(picture, this.shown[wanted]);
    this.drawLanes();
  }

  pause() {
    this.playing = !this.playing;
    this.app.setPaused(!this.playing);
    if (this.playing) this.play();
    return true;
  }

  async play() {
    if (this.at >= this.frames.length - 1) this.at = 0;
    let wall = performance.now(), time = this.frames[this.at].time;
    let speed = +$("speed").value;
    while (this.playing && this.at < this.frames.length - 1) {
      for (let i = 1; i <= AHEAD && this.at + i < this.frames.length; i++) this.picture(this.at + i);
      await this.picture(this.at + 1);
      await new Promise(requestAnimationFrame);
      if (+$("speed").value !== speed) {
        [speed, wall, time] = [+$("speed").value, performance.now(), this.frames[this.at].time];
      }
      const now = time + (performance.now() - wall) / 1000 * speed;
      if (this.frames[this.at + 1].time > now) continue;
      await this.seek(this.at + 1);
      if (now - this.frames[this.at].time > 0.2) [wall, time] = [performance.now(), this.frames[this.at].time];
    }
    if (this.playing) this.pause();
  }

  step(by) {
    if (this.playing) this.pause();
    this.seek(this.at + by);
  }

  key(name) {
    if (name !== "u") return false;
    this.edit("undo");
    return true;
  }

  followed(id) {
    $("edit-who").textContent = id === null ? "click on a person first" : `person ${id}`;
    for (const button of document.querySelectorAll("[data-edit]")) button.disabled = id === null && button.dataset.edit !== "undo";
    this.drawLanes();
  }

  // The list of all people of the run, and the plots around the present frame.
  refresh() {
    if (!this.tracks) return true;
    const { app, frames } = this, rate = frames.length > 1 ? (frames.length - 1) / (frames.at(-1).time - frames[0].time) : 1;
    const people = [...this.tracks.values()].sort((a, b) => a.id - b.id).map((track) => ({
      ...track,
      gone: !track.people.has(this.at),
      text: `${(track.people.size / rate).toFixed(1)} s`,
    }));
    showPeople(people, {
      followed: app.stage.followed, hidden: app.stage.hidden, filter: true,
      onFollow: (id) => app.follow(id),
      onHide: (id, hide) => {
        if (hide) app.stage.hidden.add(id); else app.stage.hidden.delete(id);
        app.stage.draw();
        this.drawLanes();
      },
    });
    const track = this.tracks.get(app.stage.followed ?? people.find((p) => !p.gone && !app.stage.hidden.has(p.id))?.id);
    const { time } = frames[this.at], samples = [];
    for (let at = this.first(time - PLOT_SECONDS); at < frames.length && frames[at].time <= time + PLOT_SECONDS; at++) {
      samples.push({ time: frames[at].time, person: track?.people.get(at) ?? null });
    }
    app.plots.draw(samples, time - PLOT_SECONDS, time + PLOT_SECONDS, time);
    return true;
  }

  // The way of everybody who is in the present frame over the seconds before it.
  trails() {
    const begin = this.first(this.frames[this.at].time - TRAIL_SECONDS), found = new Map();
    for (const { id, colour } of this.shown[this.at].people) {
      const { people } = this.tracks.get(id), points = [];
      for (let at = begin; at <= this.at; at++) if (people.has(at)) points.push(foot(this.frames[at].time, people.get(at)));
      found.set(id, { colour, points });
    }
    return found;
  }

  // The first frame at or after a time.
  first(time) {
    let [low, high] = [0, this.frames.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.frames[middle].time < time) low = middle + 1; else high = middle;
    }
    return low;
  }

  rows() {
    return [...this.tracks.values()].filter(({ id }) => !this.app.stage.hidden.has(id)).sort((a, b) => a.id - b.id);
  }

  // A row for each person, filled where they are in the picture.
  drawLanes() {
    if (!this.tracks) return;
    const canvas = $("lanes"), rows = this.rows();
    canvas.style.height = `${Math.max(1, rows.length) * (ROW + GAP) + GAP}px`;
    const pen = prepare(canvas), width = canvas.clientWidth, step = width / this.frames.length;
    pen.clearRect(0, 0, width, canvas.clientHeight);
    rows.forEach(({ id, colour, people }, row) => {
      const y = GAP + row * (ROW + GAP);
      pen.globalAlpha = this.app.stage.followed === null || this.app.stage.followed === id ? 1 : 0.35;
      pen.fillStyle = "#26292e";
      pen.fillRect(0, y, width, ROW);
      pen.fillStyle = colour;
      for (const at of people.keys()) pen.fillRect(at * step, y, Math.max(step, 0.8) + 0.3, ROW);
    });
    pen.globalAlpha = 1;
    pen.fillStyle = "#fff";
    pen.fillRect((this.at + 0.5) * step - 0.75, 0, 1.5, canvas.clientHeight);
  }

  pick(event, follow = true) {
    const box = $("lanes").getBoundingClientRect();
    this.seek(Math.floor((event.clientX - box.left) / box.width * this.frames.length));
    const track = this.rows()[Math.floor((event.clientY - box.top - GAP / 2) / (ROW + GAP))];
    if (follow && track && track.people.has(this.at) && track.id !== this.app.stage.followed) this.app.follow(track.id);
  }

  async edit(kind) {
    const body = { kind, id: this.app.stage.followed, other: +$("other").value, frame: this.frames[this.at].frame };
    const answer = await post("/edit", body);
    if (answer.error) return this.app.notice(answer.error);
    this.app.notice("");
    if (kind === "rename") this.app.stage.followed = body.other;
    this.takeIds(answer);
    this.seek(this.at);
  }

  async save() {
    const answer = await post("/save", { format: $("save-format").value });
    if (answer.error) return this.app.notice(answer.error);
    $("saved-as").replaceChildren("Saved ", element("a", { href: `/saved/${encodeURIComponent(answer.name)}`, download: answer.name, textContent: answer.path }));
  }
}

async function post(address, body) {
  const answer = await fetch(address, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  return answer.json();
}
