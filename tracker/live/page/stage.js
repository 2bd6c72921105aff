// The picture with people drawn on it.

export const TRAIL_SECONDS = 2;

export class Stage {
  // switches: {boxes, ids, trails, names}; facts: {limbs, keypoints, joint_threshold}
  constructor(canvas, switches) {
    this.canvas = canvas;
    this.switches = switches;
    this.facts = { limbs: [], keypoints: [], joint_threshold: 0.4 };
    this.followed = null;
    this.hidden = new Set();
    this.frame = null;
    this.picture = null;
    this.trails = new Map(); // id → {colour, points: [[time, x, y]]}
    this.trailsOf = (frame) => this.remember(frame);
  }

  // Draw a picture (anything that drawImage takes) and the frame's people.
  show(picture, frame) {
    this.picture = picture ?? this.picture;
    this.frame = frame ?? this.frame;
    if (frame) this.trails = this.trailsOf(frame);
    this.draw();
  }

  draw() {
    const { canvas, picture, frame } = this;
    if (!picture) return;
    const [width, height] = [picture.width || picture.videoWidth, picture.height || picture.videoHeight];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const pen = canvas.getContext("2d");
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.drawImage(picture, 0, 0, width, height);
    if (!frame) return;
    if (this.followed !== null && frame.people.some((p) => p.id === this.followed)) {
      pen.fillStyle = "#0006";
      pen.fillRect(0, 0, width, height);
    }
    const scale = width / frame.width;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    if (this.switches.trails) this.drawTrails(pen, frame);
    const shown = frame.people.filter((p) => !this.hidden.has(p.id)).sort((a, b) => a.box[3] - b.box[3]);
    for (const person of shown) {
      pen.globalAlpha = this.followed === null || this.followed === person.id ? 1 : 0.25;
      this.drawPerson(pen, person, frame);
    }
    if (this.switches.ids) for (const person of shown) this.drawId(pen, person, frame);
    pen.globalAlpha = 1;
  }

  drawPerson(pen, person, frame) {
    const { limbs, joint_threshold: threshold } = this.facts;
    const points = person.keypoints, sure = points.map((p) => p[2] >= threshold);
    const width = Math.max(1, Math.min(Math.min(frame.width, frame.height) / 240, person.box[3] / 60));
    pen.lineCap = "round";
    for (const [colour, w] of [["#000a", width * 1.7], [person.colour, width]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = w;
      pen.beginPath();
      for (const [a, b] of limbs) {
        if (!sure[a] || !sure[b]) continue;
        pen.moveTo(points[a][0], points[a][1]);
        pen.lineTo(points[b][0], points[b][1]);
      }
      pen.stroke();
    }
    pen.fillStyle = lighter(person.colour);
    pen.font = `${Math.max(9, width * 5)}px system-ui, sans-serif`;
    points.forEach(([x, y], k) => {
      if (!sure[k]) return;
      pen.beginPath();
      pen.arc(x, y, width * 0.9 + 0.4, 0, 7);
      pen.fill();
      if (this.switches.names) pen.fillText(this.facts.keypoints[k].replace("_", " "), x + width * 1.5, y);
    });
    if (this.switches.boxes) {
      pen.strokeStyle = person.colour;
      pen.lineWidth = Math.max(1, width / 2);
      pen.strokeRect(...person.box);
    }
  }

  drawId(pen, person, frame) {
    const size = Math.max(12, Math.min(frame.width, frame.height) / 32), text = `${person.id}`;
    const sure = person.keypoints.filter((p) => p[2] >= this.facts.joint_threshold).map((p) => p[1]);
    pen.globalAlpha = this.followed === null || this.followed === person.id ? 1 : 0.35;
    pen.font = `600 ${size}px system-ui, sans-serif`;
    const width = pen.measureText(text).width + size * 0.7;
    const x = Math.min(Math.max(0, person.box[0] + person.box[2] / 2 - width / 2), frame.width - width);
    const y = Math.max(size * 1.3, Math.min(person.box[1], ...sure) - size * 0.25);
    pen.fillStyle = person.colour;
    pen.beginPath();
    pen.roundRect(x, y - size * 1.3, width, size * 1.3, size * 0.25);
    pen.fill();
    pen.fillStyle = luminance(person.colour) > 110 ? "#000" : "#fff";
    pen.textBaseline = "middle";
    pen.fillText(text, x + size * 0.35, y - size * 0.62);
    pen.textBaseline = "alphabetic";
  }

  remember(frame) {
    for (const person of frame.people) {
      const point = foot(frame.time, person);
      const trail = this.trails.get(person.id) ?? { colour: person.colour, points: [] };
      const last = trail.points.at(-1);
      if (last && (frame.time < last[0] || frame.time - last[0] > TRAIL_SECONDS)) trail.points.length = 0;
      if (!last || frame.time !== last[0]) trail.points.push(point);
      this.trails.set(person.id, trail);
    }
    for (const [id, trail] of this.trails) {
      while (trail.points.length && frame.time - trail.points[0][0] > TRAIL_SECONDS) trail.points.shift();
      if (!trail.points.length) this.trails.delete(id);
    }
    return this.trails;
  }

  drawTrails(pen, frame) {
    pen.lineWidth = Math.max(1, frame.height / 300);
    for (const [id, { colour, points }] of this.trails) {
      if (this.hidden.has(id)) continue;
      pen.strokeStyle = colour;
      pen.beginPath();
      points.forEach(([, x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
      pen.stroke();
    }
  }

  // Id of the smallest box at a mouse event's place, or null.
  personAt(event) {
    if (!this.frame) return null;
    const box = this.canvas.getBoundingClientRect(), scale = this.frame.width / box.width;
    const [x, y] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    const hits = this.frame.people.filter(({ id, box: [left, top, w, h] }) =>
      !this.hidden.has(id) && x >= left && x <= left + w && y >= top && y <= top + h);
    hits.sort((a, b) => a.box[2] * a.box[3] - b.box[2] * b.box[3]);
    return hits.length ? hits[0].id : null;
  }
}

// Where a person stands, for their trail.
export function foot(time, { box: [left, top, width, height] }) {
  return [time, left + width / 2, top + height];
}

function channels(colour) {
  return [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
}

function lighter(colour) {
  return `rgb(${channels(colour).map((c) => (c + 255) >> 1).join(" ")})`;
}

function luminance(colour) {
  const [red, green, blue] = channels(colour);
  return 0.299 * red + 0.587 * green + 0.114 * blue;
}
