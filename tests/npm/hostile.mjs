// Clients that mean ill: what they send no well-meant client does. See suite/attacks/clients.rs.
//
//   node hostile.mjs URL AUTH
//
// AUTH is the `auth` of an observer that is let in, as JSON. Carries out each attack, one after
// the other, and prints a line of JSON for each: its name, how it ended, and after how many
// milliseconds.

import { connect } from "node:net";
import { randomBytes } from "node:crypto";
import { io } from "socket.io-client";
import WebSocket from "ws";

const [url, text] = process.argv.slice(2);
const auth = JSON.parse(text);
const { hostname, port } = new URL(url);

// How long an attack may go on before it counts as borne.
const PATIENCE_MS = 8000;

/** The official client, let in or not; resolves with how its connection ended. */
function client(options, attack) {
  return new Promise((resolve) => {
    const socket = io(options.url ?? url, {
      transports: ["websocket"],
      reconnection: false,
      forceNew: true,
      auth: options.auth ?? auth,
    });
    const end = (how) => {
      // The first one counts.
      resolve(how);
      socket.disconnect();
    };
    socket.on("disconnect", (reason) => end(reason));
    socket.on("connect_error", (error) => end(`connect_error: ${error.message}`));
    socket.on("connect", () => attack?.(socket, end));
    setTimeout(() => end("still there"), PATIENCE_MS);
  });
}

/** A websocket without socket.io on top; resolves when it has closed. */
function websocket(attack) {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://${hostname}:${port}/socket.io/?EIO=4&transport=websocket`);
    socket.on("open", () => attack(socket));
    socket.on("error", () => {});
    socket.on("close", () => resolve("closed"));
    setTimeout(() => {
      socket.terminate();
      resolve("still there");
    }, PATIENCE_MS);
  });
}

/** A TCP connection; resolves when it has closed. */
function tcp(attack) {
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => attack(socket));
    socket.on("error", () => {});
    socket.on("close", () => resolve("closed"));
    socket.resume();
    setTimeout(() => {
      socket.destroy();
      resolve("still there");
    }, PATIENCE_MS);
  });
}

const upgrade = [
  "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
  `host: ${hostname}`,
  "upgrade: websocket",
  "connection: upgrade",
  "sec-websocket-version: 13",
  "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
  "",
  "",
].join("\r\n");

const hello = `40${JSON.stringify(auth)}`;

const attacks = {
  "an event of 20 MiB": () =>
    client({}, (socket) => socket.emit("frame", Buffer.alloc(20 << 20))),
  "ten thousand events, and a goodbye": () =>
    client({}, (socket) => {
      for (let number = 0; number < 10000; number++) socket.emit("cluster", { number });
      setTimeout(() => socket.disconnect(), 500);
    }),
  "an event that wants an answer": () =>
    client({}, (socket, end) => {
      socket.timeout(1000).emit("frame", "?", (error) => end(error ? "no answer" : "an answer"));
    }),
  "another namespace": () => client({ url: `${url}/admin` }),
  "no secret": () => client({ auth: { protocol: 6, role: "node" } }),
  "text that is no packet": () => websocket((socket) => socket.send("garbage")),
  "bytes that are no packet": () => websocket((socket) => socket.send(randomBytes(1 << 10))),
  "a text that is not UTF-8": () =>
    websocket((socket) => socket.send(Buffer.from([0xff, 0xfe]), { binary: false })),
  "an attachment that never comes": () =>
    websocket((socket) => {
      socket.send(hello);
      socket.send('451-["frame",{"_placeholder":true,"num":0}]');
    }),
  "a thousand attachments": () =>
    websocket((socket) => {
      socket.send(hello);
      socket.send('451000-["frame",{"_placeholder":true,"num":0}]');
    }),
  "hello without an end, in pieces": () =>
    websocket((socket) => {
      const piece = () => {
        if (socket.readyState !== WebSocket.OPEN) return;
        socket.send("4", { fin: false });
        setTimeout(piece, 100);
      };
      piece();
    }),
  "hello twice, and then nothing": () =>
    websocket((socket) => {
      socket.send(hello);
      socket.send(hello);
    }),
  "no answer to pings": () =>
    websocket((socket) => socket.send(hello)),
  "half of a websocket frame": () =>
    tcp((socket) => {
      socket.write(upgrade);
      socket.write(Buffer.from([0x81, 0xfe, 0xff]));
    }),
  "a frame that says it is 2^63 bytes long": () =>
    tcp((socket) => {
      socket.write(upgrade);
      socket.write(Buffer.from([0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]));
    }),
  "frames without a mask": () =>
    tcp((socket) => {
      socket.write(upgrade);
      socket.write(Buffer.from([0x81, 0x02, 0x34, 0x30]));
    }),
  "polling": () => tcp((socket) => socket.write(`GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`)),
};

for (const [name, attack] of Object.entries(attacks)) {
  const since = Date.now();
  const ended = await attack();
  process.stdout.write(JSON.stringify({ name, ended, ms: Date.now() - since }) + "\n");
}
process.exit(0);
