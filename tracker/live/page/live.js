// The program's camera: pictures as motion JPEG, people over a WebSocket, joined by the frame's number.

import { $, element, updateList } from "./panels.js";

const KEPT = 60; // messages that wait for their picture
const LATENCIES = 60;

export class LiveSource {
  constructor(app) {
    this.app = app;
    this.frames = new Map();
    this.latencies = [];
    this.clock = null; // the server's clock minus ours, in seconds, from the quickest ping
    this.quickest = Infinity;
    this.recording = false;
    this.connect();
    this.readPictures();
    setInterval(() => this.ping(), 1000);
  }

  connect() {
    this.socket = new WebSocket(`${location.origin.replace("http", "ws")}/people`);
    this.socket.onopen = () => this.ping();
    this.socket.onmessage = ({ data }) => this.take(JSON.parse(data));
    this.socket.onclose = () => {
      this.app.setState("closed", "no connection");
      this.app.notice("The program does not answer; trying again.");
      setTimeout(() => this.connect(), 1500);
    };
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  ping() {
    this.send({ type: "ping", sent: performance.now() });
  }

  take(message) {
    const { app } = this;
    if (message.type === "frame") {
      this.frames.set(message.number, message);
      if (this.frames.size > KEPT) this.frames.delete(this.frames.keys().next().value);
      this.facts(message);
    } else if (message.type === "hello") {
      app.forget();
      this.frames.clear();
      app.learn(message);
    } else if (message.type === "status") {
      this.status(message);
    } else if (message.type === "pong") {
      const now = performance.now(), trip = now - message.sent;
      if (trip < this.quickest) {
        this.quickest = trip;
        this.clock = message.now - (message.sent + trip / 2) / 1000;
      }
    }
  }

  facts({ rate, choice, dark }) {
    this.rate = rate;
    this.dark = dark;
    const parts = [`detector 1/${choice.detect_every}`];
    if (choice.max_crops) parts.push(`≤ ${choice.max_crops} crops`);
    if (choice.fast) parts.push("fast network");
    $("choice").textContent = parts.join(" · ");
  }

  status(status) {
    const { app } = this;
    const waiting = status.state === "waiting";
    app.setState(status.state, waiting ? `waiting ${status.retry_in.toFixed(0)} s` : status.state);
    $("rate").textContent = `${(this.rate ?? 0).toFixed(1)} / ${status.rate.toFixed(1)} fps`;
    const trouble = status.note || (status.state === "live" ? "" : status.message);
    const retry = waiting ? `: trying again in ${status.retry_in.toFixed(0)} s` : "";
    app.notice(trouble ? trouble + retry : status.state === "ended" ? "The source has ended." : this.dark && status.state === "live" ? "The picture is nearly black: is the lens covered?" : "");
    this.recording = status.recording !== null;
    $("recording").hidden = !this.recording;
    $("recording").querySelector("span").textContent = this.recording ? `${status.recording.frames} frames` : "";
    const button = document.querySelector("[data-act=record]");
    button.ariaPressed = this.recording;
    button.textContent = this.recording ? "Stop recording" : "Record";
    $("files").hidden = !status.saved.length;
    updateList($("recordings"), status.saved, (name) => name, (name) =>
      element("li", {}, element("a", { href: `/recordings/${encodeURIComponent(name)}`, download: name, textContent: name })), () => {});
  }

  record() {
    const { boxes, ids, trails } = this.app.switches;
    this.send({ type: "record", on: !this.recording, boxes, ids, trails });
  }

  async readPictures() {
    for (;;) {
      try {
        await this.readStream();
      } catch {
        // the connection broke; the notice comes from the WebSocket
      }
      await new Promise((wait) => setTimeout(wait, 1000));
    }
  }

  async readStream() {
    const answer = await fetch("/stream.mjpg");
    const reader = answer.body.getReader();
    let buffer = new Uint8Array(0);
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      buffer = joined(buffer, value);
      let newest = null;
      for (let part = nextPart(buffer); part; part = nextPart(buffer)) {
        newest = part;
        buffer = buffer.subarray(part.end);
      }
      if (newest) await this.showPart(newest);
    }
  }

  async showPart({ number, jpeg }) {
    const picture = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
    let frame = this.frames.get(number);
    for (let tries = 0; !frame && tries < 4; tries++) { // people come over another connection
      await new Promise((wait) => setTimeout(wait, 4));
      frame = this.frames.get(number);
    }
    const before = this.app.stage.picture;
    if (!this.app.paused) {
      this.app.show(picture, frame);
      if (before instanceof ImageBitmap) before.close();
    } else picture.close();
    if (frame && this.clock !== null) requestAnimationFrame(() => this.noteLatency(frame));
  }

  noteLatency({ captured }) {
    this.latencies.push((performance.now() / 1000 + this.clock - captured) * 1000);
    if (this.latencies.length > LATENCIES) this.latencies.shift();
    const sorted = [...this.latencies].sort((a, b) => a - b);
    $("latency").textContent = `${Math.max(0, sorted[sorted.length >> 1]).toFixed(0)} ms`;
  }
}

function joined(a, b) {
  if (!a.length) return b;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

const HEAD_END = [13, 10, 13, 10];

// The first whole part of a multipart stream: {number, jpeg, end}, or null.
function nextPart(buffer) {
  let head = -1;
  for (let i = 0; i + 3 < Math.min(buffer.length, 1000); i++) {
    if (HEAD_END.every((byte, k) => buffer[i + k] === byte)) {
      head = i + 4;
      break;
    }
  }
  if (head < 0) return null;
  const fields = new TextDecoder().decode(buffer.subarray(0, head));
  const size = +/Content-Length: (\d+)/i.exec(fields)[1], number = +/X-Number: (\d+)/i.exec(fields)[1];
  if (buffer.length < head + size + 2) return null;
  return { number, jpeg: buffer.slice(head, head + size), end: head + size + 2 };
}
