// The page's own camera or a dropped file: pictures go up a WebSocket, people come back.

import { $ } from "./panels.js";

const LONGEST_SIDE = 1280, QUALITY = 0.85;

export class BrowserSource {
  constructor(app) {
    this.app = app;
    this.video = $("video");
    this.canvas = document.createElement("canvas");
    this.latencies = [];
    this.times = [];
    this.running = 0; // counts the sources: an older one's loop ends when it is not its number any more
    $("drop").hidden = false;
    app.setState("", "no source");
    $("use-camera").addEventListener("click", () => this.useCamera());
    $("file").addEventListener("change", () => this.useFile($("file").files[0]));
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      if (event.dataTransfer.files[0]) this.useFile(event.dataTransfer.files[0]);
    });
  }

  async useCamera() {
    if (!navigator.mediaDevices) {
      return this.app.notice("The browser gives its camera to pages of this machine or over HTTPS only.");
    }
    try {
      this.video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 } } });
    } catch (error) {
      return this.app.notice(`No camera: ${error.message}`);
    }
    this.start("your camera");
  }

  useFile(file) {
    this.video.srcObject = null;
    this.video.loop = true;
    this.video.src = URL.createObjectURL(file);
    this.start(file.name);
  }

  async start(name) {
    const run = ++this.running;
    try {
      await this.video.play();
    } catch (error) {
      return this.app.notice(`The browser cannot play '${name}': ${error.message}`);
    }
    if (!this.video.videoWidth) return this.app.notice(`'${name}' has no pictures.`);
    $("drop").hidden = true;
    this.app.notice("Loading the networks …");
    await this.connect();
    await this.loop; // the people of an older source's picture are still on their way
    if (run !== this.running) return;
    this.app.forget();
    this.app.learn({ ...this.facts, camera: name });
    this.began = performance.now();
    this.socket.send(JSON.stringify({ type: "reset" }));
    this.app.setState("live");
    this.app.notice("");
    this.loop = this.steps(run);
  }

  async steps(run) {
    while (run === this.running && this.socket.readyState === WebSocket.OPEN) await this.step();
  }

  connect() {
    if (this.socket?.readyState === WebSocket.OPEN) return Promise.resolve();
    this.socket = new WebSocket(`${location.origin.replace("http", "ws")}/browser`);
    this.socket.binaryType = "arraybuffer";
    return new Promise((ready) => {
      this.socket.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        if (message.type === "hello") {
          this.facts = message;
          ready();
        } else if (message.type === "error") {
          this.app.notice(message.message);
          this.answer?.(null);
        } else this.answer?.(message);
      };
      this.socket.onclose = () => {
        this.app.setState("closed", "no connection");
        if ($("notice").hidden) this.app.notice("The program does not answer any more.");
        this.answer?.(null);
      };
    });
  }

  // One picture up, its people back, both drawn: never more than one on its way.
  async step() {
    if (this.app.paused) return new Promise((wait) => setTimeout(wait, 50));
    const taken = performance.now(), { video, canvas } = this;
    const scale = Math.min(1, LONGEST_SIDE / Math.max(video.videoWidth, video.videoHeight));
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    const jpeg = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
    const data = new Uint8Array(8 + jpeg.size);
    new DataView(data.buffer).setFloat64(0, (taken - this.began) / 1000, true);
    data.set(new Uint8Array(await jpeg.arrayBuffer()), 8);
    const answer = new Promise((done) => (this.answer = done));
    this.socket.send(data);
    const frame = await answer;
    if (!frame) return;
    this.app.show(canvas, frame);
    await new Promise(requestAnimationFrame);
    this.note(performance.now() - taken);
  }

  note(latency) {
    this.latencies = [...this.latencies.slice(-59), latency];
    const sorted = [...this.latencies].sort((a, b) => a - b), now = performance.now();
    this.times = [...this.times, now].filter((time) => time > now - 2000);
    $("latency").textContent = `${sorted[sorted.length >> 1].toFixed(0)} ms`;
    const span = (now - this.times[0]) / 1000;
    $("rate").textContent = span > 0 ? `${((this.times.length - 1) / span).toFixed(1)} fps` : "";
  }
}
