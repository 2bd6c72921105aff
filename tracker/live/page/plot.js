// A plot of values over time on a canvas.

const INK = "#9599a1", GRID = "#2c2f34", LEFT = 36, BOTTOM = 16, TOP = 6;

// series: [{colour, points: [[seconds, value or null]]}]; from, to: seconds shown; range: [low, high] at least.
export function plot(canvas, series, from, to, range, cursor = null) {
  const pen = prepare(canvas);
  const width = canvas.clientWidth, height = canvas.clientHeight;
  const values = series.flatMap(({ points }) => points.map(([, v]) => v)).filter((v) => v !== null);
  const low = Math.min(range[0], ...values), high = Math.max(range[1], ...values);
  const x = (t) => LEFT + (t - from) / (to - from) * (width - LEFT - 4);
  const y = (v) => height - BOTTOM - (v - low) / (high - low || 1) * (height - BOTTOM - TOP);
  pen.clearRect(0, 0, width, height);
  pen.font = "11px system-ui, sans-serif";
  pen.fillStyle = INK;
  pen.strokeStyle = GRID;
  pen.lineWidth = 1;
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const value of ticks(low, high, 4)) {
    line(pen, LEFT, y(value), width - 4, y(value));
    pen.fillText(+value.toFixed(2), LEFT - 6, y(value));
  }
  pen.textAlign = "center";
  for (const time of ticks(from, to, 6).filter((t) => t >= 0)) {
    pen.fillText(`${+time.toFixed(2)} s`, Math.max(x(time), LEFT + 8), height - 5);
  }
  pen.lineWidth = 1.6;
  pen.lineJoin = "round";
  for (const { colour, points } of series) {
    pen.strokeStyle = colour;
    pen.beginPath();
    let drawing = false;
    for (const [time, value] of points) {
      if (value === null) { drawing = false; continue; }
      if (drawing) pen.lineTo(x(time), y(value)); else pen.moveTo(x(time), y(value));
      drawing = true;
    }
    pen.stroke();
  }
  if (cursor !== null) {
    pen.strokeStyle = "#ffffff80";
    pen.lineWidth = 1;
    line(pen, x(cursor), TOP, x(cursor), height - BOTTOM);
  }
}

// The canvas's pen, in CSS pixels, sharp on every screen.
export function prepare(canvas) {
  const scale = window.devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * scale), height = Math.round(canvas.clientHeight * scale);
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  return pen;
}

function ticks(low, high, number) {
  const raw = (high - low || 1) / number, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 3, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999);
  const found = [];
  for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + step * 1e-9; v += step) found.push(v);
  return found;
}

function line(pen, x0, y0, x1, y1) {
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(x1, y1);
  pen.stroke();
}
