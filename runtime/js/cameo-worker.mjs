// A worker of cameo-pool.mjs. The first message has a compiled module and the options of load(), each
// later one the inputs of a run; every message is answered by one with the outputs or an error's text.
import { builtin, load } from "./cameo.mjs";

let model;

async function answer({ module, options, inputs }, port) {
  try {
    if (module) {
      model = await load(module, options);
      return port.postMessage({});
    }
    const outputs = model.run(inputs);
    port.postMessage({ outputs }, Object.values(outputs).map(({ data }) => data.buffer));
  } catch (error) {
    port.postMessage({ error: error.message });
  }
}

// Browsers drop messages that come before a listener is there, so this does not wait for anything.
if (globalThis.postMessage) {
  globalThis.onmessage = ({ data }) => answer(data, globalThis);
} else {
  builtin("node:worker_threads").then(({ parentPort }) => {
    parentPort.on("message", (data) => answer(data, parentPort));
  });
}
