// Prints the state of a ring, at first and after each change, until Ctrl-C.
//
//   node observer.js [--token-file FILE] [--url URL]

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { io } from "socket.io-client";

const { values: options } = parseArgs({
  options: {
    url: { type: "string", default: "http://127.0.0.1:3002" },
    "token-file": { type: "string" },
  },
});

// A gateway without a file of API tokens lets everyone observe.
const tokenFile = options["token-file"];
const auth = tokenFile ? { token: readFileSync(tokenFile, "utf8").trim() } : {};

const socket = io(options.url, {
  // The gateway serves websockets only. By default the client begins with polling.
  transports: ["websocket"],
  auth,
});

socket.on("connect", () => console.log(`connected to ${options.url}`));
socket.on("welcome", ({ protocol }) => console.log(`welcome: protocol ${protocol}`));
socket.on("cluster", printCluster);

// The client connects again by itself, except after a disconnection by the gateway.
socket.on("disconnect", (reason) => {
  if (reason === "io client disconnect") return;
  console.log("disconnected: connecting again");
  if (!socket.active) socket.connect();
});

socket.on("connect_error", (error) => {
  if (socket.active) {
    console.log(`no gateway at ${options.url}: trying again`);
  } else {
    // The gateway's answer. Another attempt would end alike.
    console.error(`refused: ${error.message}`);
    process.exitCode = 1;
  }
});

process.once("SIGINT", () => {
  socket.disconnect();
  console.log("stopped");
});

// The fields are those of `GET /api/cluster`.
function printCluster({ healthy, nodes, partitions }) {
  const away = nodes.filter((node) => !node.linked).map((node) => node.id);
  const state = healthy ? "healthy" : "not healthy";
  console.log(`cluster: ${state}, nodes away: ${away.join(", ") || "none"}`);
  for (const { partition, problems } of partitions) {
    for (const problem of problems) {
      console.log(`  partition ${partition}: ${problem}`);
    }
  }
}
