// How people move: joint angles and speeds from keypoints [x, y, score]. Pure functions.

// An angle is named after the joint in its middle; an end with two names takes whichever the keypoint set has.
const ANGLES = {
  elbow: [["shoulder"], ["elbow"], ["wrist"]],
  shoulder: [["hip"], ["shoulder"], ["elbow"]],
  hip: [["shoulder"], ["hip"], ["knee"]],
  knee: [["hip"], ["knee"], ["ankle"]],
};
const COLOURS = {
  left: { elbow: "#4cc2ff", shoulder: "#8f9bff", hip: "#c58cff", knee: "#ff8ad0" },
  right: { elbow: "#ffb347", shoulder: "#f2e05c", hip: "#a5d94c", knee: "#59c97b" },
};

// The angles that a keypoint set allows: [{name, colour, joints: [a, b, c]}].
export function anglesOf(names) {
  const found = [];
  for (const side of ["left", "right"]) {
    for (const [name, ends] of Object.entries(ANGLES)) {
      const joints = ends.map(([part]) => names.indexOf(`${side}_${part}`));
      if (joints.every((j) => j >= 0)) found.push({ name: `${side} ${name}`, colour: COLOURS[side][name], joints });
    }
  }
  return found;
}

// Degrees between the limbs that meet at the middle joint, 180 where they are stretched; null if one is not sure.
export function angle(keypoints, [a, b, c], threshold) {
  const [p, q, r] = [keypoints[a], keypoints[b], keypoints[c]];
  if (p[2] < threshold || q[2] < threshold || r[2] < threshold) return null;
  const [ux, uy, vx, vy] = [p[0] - q[0], p[1] - q[1], r[0] - q[0], r[1] - q[1]];
  return Math.abs(Math.atan2(ux * vy - uy * vx, ux * vx + uy * vy)) * 180 / Math.PI;
}

// Speed of each sample's point in heights of the person a second: the median step over five samples, since
// single frames jitter. samples: [{time, x, y, height}], x null where unknown. Gives one number or null each.
export function speeds(samples) {
  const steps = samples.map((now, i) => {
    const before = samples[i - 1];
    if (!before || now.x === null || before.x === null || now.time <= before.time) return null;
    return Math.hypot(now.x - before.x, now.y - before.y) / (now.time - before.time) / Math.max(now.height, 1);
  });
  return steps.map((step, i) => {
    if (step === null) return null;
    const near = steps.slice(Math.max(0, i - 2), i + 3).filter((s) => s !== null).sort((a, b) => a - b);
    return near[near.length >> 1];
  });
}

// Joints whose speed and way are offered, as far as a keypoint set has them.
const MOVING = { left_wrist: "#4cc2ff", right_wrist: "#ffb347", left_ankle: "#ff8ad0", right_ankle: "#59c97b", nose: "#e6e7e9" };

export function movingJoints(names) {
  return Object.entries(MOVING)
    .map(([name, colour]) => ({ name: name.replace("_", " "), colour, joint: names.indexOf(name) }))
    .filter(({ joint }) => joint >= 0);
}
