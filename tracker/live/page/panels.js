// The panels beside and below the picture: people, plots, recordings.

import { angle, anglesOf, movingJoints, speeds } from "./motion.js";
import { plot } from "./plot.js";

export const $ = (id) => document.getElementById(id);

// A list that keeps the elements of the keys that stay, so that nothing flickers under the mouse.
export function updateList(list, items, key, make, fill) {
  const old = new Map([...list.children].map((child) => [child.dataset.key, child]));
  items.forEach((item, i) => {
    const name = `${key(item)}`;
    let child = old.get(name);
    if (!child) {
      child = make(item);
      child.dataset.key = name;
    }
    old.delete(name);
    fill(child, item);
    if (list.children[i] !== child) list.insertBefore(child, list.children[i] ?? null);
  });
  for (const child of old.values()) child.remove();
}

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// people: [{id, colour, text, gone}]; filter: whether each has a box to tick.
export function showPeople(people, { followed, hidden, filter, onFollow, onHide }) {
  $("nobody").hidden = people.length > 0;
  $("count").textContent = people.length || "";
  const make = ({ id }) => {
    const item = element("li", { tabIndex: 0 }, element("span", { className: "swatch" }), element("b"), element("span", { className: "facts" }));
    if (filter) {
      const tick = element("input", { type: "checkbox", checked: true, title: "show" });
      tick.addEventListener("click", (event) => event.stopPropagation());
      tick.addEventListener("change", () => onHide(+item.dataset.key, !tick.checked));
      item.prepend(tick);
    }
    item.addEventListener("click", () => onFollow(+item.dataset.key));
    item.addEventListener("keydown", (event) => {
      if (event.key === "Enter") onFollow(+item.dataset.key);
    });
    return item;
  };
  updateList($("people"), people, ({ id }) => id, make, (item, person) => {
    item.querySelector(".swatch").style.background = person.colour;
    item.querySelector("b").textContent = person.id;
    item.querySelector(".facts").textContent = person.text;
    item.classList.toggle("gone", person.gone);
    item.classList.toggle("followed", person.id === followed);
    if (filter) item.querySelector("input").checked = !hidden.has(person.id);
  });
}

const CAPTIONS = { speed: ["Speed", "heights of the person a second"], x: ["Way, x", "pixels"], y: ["Way, y", "pixels"] };

export class Plots {
  constructor() {
    this.angles = [];
    this.joints = [];
    this.threshold = 0.4;
    this.off = new Set(["left shoulder", "right shoulder", "left hip", "right hip", "nose"]);
    $("second").addEventListener("change", () => this.caption());
    this.caption();
  }

  caption() {
    const [title, unit] = CAPTIONS[$("second").value];
    $("second-title").textContent = title;
    $("second-unit").textContent = unit;
  }

  learn({ keypoints, joint_threshold: threshold }) {
    this.angles = anglesOf(keypoints);
    this.joints = movingJoints(keypoints);
    this.threshold = threshold;
    this.legend($("angle-legend"), this.angles);
    this.legend($("speed-legend"), this.joints);
  }

  legend(place, entries) {
    place.replaceChildren(...entries.map(({ name, colour }) => {
      const button = element("button", { textContent: name });
      button.style.setProperty("--colour", colour);
      button.ariaPressed = !this.off.has(name);
      button.addEventListener("click", () => {
        if (!this.off.delete(name)) this.off.add(name);
        button.ariaPressed = !this.off.has(name);
      });
      return button;
    }));
  }

  // samples: [{time, person}] of one person, person null where away.
  draw(samples, from, to, cursor = null) {
    const shown = ({ name }) => !this.off.has(name);
    plot($("angles"), this.angles.filter(shown).map(({ colour, joints }) => ({
      colour,
      points: samples.map(({ time, person }) => [time, person && angle(person.keypoints, joints, this.threshold)]),
    })), from, to, [0, 180], cursor);
    const what = $("second").value;
    plot($("speeds"), this.joints.filter(shown).map(({ colour, joint }) => {
      const places = samples.map(({ time, person }) => {
        const [x, y, score] = person ? person.keypoints[joint] : [0, 0, -1];
        return score >= this.threshold ? { time, x, y, height: person.box[3] } : { time, x: null, y: null, height: 1 };
      });
      const values = what === "speed" ? speeds(places) : places.map((place) => place[what]);
      return { colour, points: places.map(({ time }, i) => [time, values[i]]) };
    }), from, to, what === "speed" ? [0, 1] : range(samples, what), cursor);
  }
}

// The picture is as wide as its people: plots of ways begin with their boxes.
function range(samples, what) {
  const [at, size] = what === "x" ? [0, 2] : [1, 3];
  const boxes = samples.filter(({ person }) => person).map(({ person }) => person.box);
  if (!boxes.length) return [0, 1];
  return [Math.min(...boxes.map((b) => b[at])), Math.max(...boxes.map((b) => b[at] + b[size]))];
}
