// An observer of the cluster, as a user of Chainring would write one with the official client.
//
//   node observer.mjs URL AUTH
//
// AUTH is the `auth` of the CONNECT packet as JSON; without it none is sent. Prints each thing it hears as a line of
// JSON. Ends with 1 when the gateway refuses it, with 0 when its standard input ends.

import { io } from "socket.io-client";

const [url, auth] = process.argv.slice(2);

const socket = io(url, {
  // The one transport that the gateway serves; the client would begin with polling.
  transports: ["websocket"],
  auth: auth === undefined ? undefined : JSON.parse(auth),
  reconnectionDelay: 100,
  reconnectionDelayMax: 500,
});

function tell(event, data) {
  process.stdout.write(JSON.stringify({ event, data }) + "\n");
}

socket.on("connect", () => tell("connect", null));
socket.on("welcome", (welcome) => tell("welcome", welcome));
socket.on("cluster", (cluster) => tell("cluster", cluster));
socket.on("disconnect", (reason) => tell("disconnect", reason));
socket.on("connect_error", (error) => {
  tell("connect_error", error.message);
  // While it is active the client tries again by itself: it could not reach the gateway. A refusal ends that.
  if (!socket.active) {
    process.exitCode = 1;
    end();
  }
});

function end() {
  socket.disconnect();
  process.stdin.destroy();
}

process.stdin.on("end", end).resume();
