// The page of index.html: classifies what is drawn, then measures the test images, beside
// onnxruntime-web where `npm install` has put it into node_modules.
import { load, url } from "./digits.mjs";
import { Pool } from "./cameo-pool.mjs";

const SIDE = 8; // the network takes images of 8 x 8
const PIXELS = SIDE * SIDE;
const element = (id) => document.getElementById(id);

// An array of NumPy's format, version 1: a header of text, then the elements.
async function readNpy(file, Kind) {
  const bytes = await (await fetch(file)).arrayBuffer();
  return new Kind(bytes, 10 + new DataView(bytes).getUint16(8, true));
}

function softmax(logits) {
  const exps = Array.from(logits, (logit) => Math.exp(logit - Math.max(...logits)));
  const sum = exps.reduce((a, b) => a + b);
  return exps.map((value) => value / sum);
}

const argmax = (values) => values.reduce((best, value, i) => (value > values[best] ? i : best), 0);

function showScores(logits) {
  const best = argmax(logits);
  element("scores").replaceChildren(
    ...softmax(logits).flatMap((share, digit) => {
      const [name, bar, text] = ["span", "div", "span"].map((tag) => document.createElement(tag));
      name.textContent = digit;
      bar.className = "bar";
      bar.style.width = `${100 * share}%`;
      text.textContent = `${(100 * share).toFixed(1)} %`;
      name.className = text.className = digit === best ? "best" : "";
      return [name, bar, text];
    }),
  );
}

// What was drawn, as the training images were made: the digit's box fills the image, each pixel is a mean.
function scaledDown(canvas) {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  const drawn = Array.from({ length: width * height }, (_, i) => i).filter((i) => data[4 * i] > 0);
  if (drawn.length === 0) return null;
  const xs = drawn.map((i) => i % width), ys = drawn.map((i) => Math.floor(i / width));
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const side = Math.max(right - left, bottom - top) + 1;
  const small = new OffscreenCanvas(SIDE, SIDE).getContext("2d");
  small.imageSmoothingQuality = "high";
  const middle = [(left + right + 1 - side) / 2, (top + bottom + 1 - side) / 2];
  small.drawImage(canvas, ...middle, side, side, 0, 0, SIDE, SIDE);
  const pixels = small.getImageData(0, 0, SIDE, SIDE).data;
  return Float32Array.from({ length: PIXELS }, (_, i) => pixels[4 * i] / 255);
}

function listenToDrawing(canvas, classify) {
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  Object.assign(pen, { lineWidth: 22, lineCap: "round", lineJoin: "round", strokeStyle: "#fff" });
  canvas.onpointerdown = (event) => {
    canvas.setPointerCapture(event.pointerId);
    pen.beginPath();
    pen.moveTo(event.offsetX, event.offsetY);
  };
  canvas.onpointermove = (event) => {
    if (event.buttons === 0) return;
    pen.lineTo(event.offsetX, event.offsetY);
    pen.stroke();
    const image = scaledDown(canvas);
    if (image) classify(image);
  };
  element("clear").onclick = () => {
    pen.clearRect(0, 0, canvas.width, canvas.height);
    element("scores").replaceChildren();
  };
}

function showSamples(images, classify) {
  const pen = element("drawing").getContext("2d");
  for (const image of images) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = SIDE;
    const pixels = Uint8ClampedArray.from({ length: 4 * PIXELS }, (_, i) =>
      i % 4 === 3 ? 255 : 255 * image[i >> 2],
    );
    canvas.getContext("2d").putImageData(new ImageData(pixels, SIDE), 0, 0);
    canvas.onclick = () => {
      pen.imageSmoothingEnabled = false;
      pen.drawImage(canvas, 0, 0, pen.canvas.width, pen.canvas.height);
      classify(image);
    };
    element("samples").append(canvas);
  }
}

// Runs every image once to warm up and for the answers, then five times for the mean.
async function measure(images, labels, run) {
  const logits = [];
  for (const image of images) logits.push(Array.from(await run(image)));
  const start = performance.now();
  for (let round = 0; round < 5; round++) for (const image of images) await run(image);
  const time = (performance.now() - start) / (5 * images.length);
  const right = logits.filter((values, i) => argmax(values) === Number(labels[i])).length;
  return { logits, time, right };
}

async function timed(work) {
  const start = performance.now();
  return [await work(), performance.now() - start];
}

function addEngine(name, { right, time }, rate, loading) {
  const row = element("engines").insertRow();
  for (const text of [name, right, time.toFixed(4), rate ?? "", loading.toFixed(0)])
    row.insertCell().textContent = text;
}

async function measureOnnxRuntime(images, labels) {
  const folder = "./node_modules/onnxruntime-web/dist/";
  const ort = await import(`${folder}ort.wasm.min.mjs`).catch(() => null);
  if (!ort) return null;
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = new URL(folder, import.meta.url).href;
  const [session, loading] = await timed(() => ort.InferenceSession.create("./digits.onnx"));
  const run = async (image) =>
    (await session.run({ image: new ort.Tensor("float32", image, [1, 1, SIDE, SIDE]) })).logits.data;
  const result = await measure(images, labels, run);
  addEngine("onnxruntime-web, wasm, one thread", result, null, loading);
  return result;
}

async function main() {
  const [model, loading] = await timed(() => load());
  const all = await readNpy("inputs.npy", Float32Array);
  const labels = await readNpy("labels.npy", BigInt64Array);
  const images = Array.from(labels, (_, i) => all.slice(i * PIXELS, (i + 1) * PIXELS));
  const classify = (image) => showScores(model.run({ image }).logits.data);
  listenToDrawing(element("drawing"), classify);
  showSamples(images.slice(0, 20), classify);
  element("samples").firstChild.click();

  const result = await measure(images, labels, (image) => model.run({ image }).logits.data);
  const pool = await Pool.open(url);
  const batch = new Float32Array(all.length / 2); // one message of many images, so that messages cost little
  const rounds = Array.from({ length: 4 * pool.size }, () => ({ image: { data: batch, dims: [images.length / 2, 1, SIDE, SIDE] } }));
  const [, time] = await timed(() => Promise.all(rounds.map((inputs) => pool.run(inputs))));
  pool.close();
  const rate = Math.round((1000 * rounds.length * images.length) / 2 / time);
  addEngine("Cameo", result, rate, loading);

  const other = await measureOnnxRuntime(images, labels);
  const deviation = other && Math.max(...result.logits.flatMap((values, i) => values.map((value, j) => Math.abs(value - other.logits[i][j]))));
  if (other) element("deviation").textContent = `Largest difference of a logit: ${deviation.toExponential(1)}.`;
  return { right: result.right, time: result.time, rate, other: other && { right: other.right, time: other.time }, deviation };
}

// `done` is for those who drive the page, tests for example.
globalThis.done = main().catch((error) => {
  element("error").textContent = error.message;
  return { error: error.message };
});
