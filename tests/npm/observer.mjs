// An observer of the cluster, as a user of Chainring would write one with the official client.
//
//   node observer.mjs URL AUTH TRANSPORT
//
// AUTH is the `auth` of the CONNECT packet as JSON; where it is empty none is sent. TRANSPORT
// is the one to use; without it the client has its default settings. Prints each thing it hears
// as a line of JSON. Ends with 1 when the gateway refuses it, with 0 when its standard input
// ends.

import { io } from "socket.io-client";

const [url, auth, transport] = process.argv.slice(2);

const socket = io(url, {
  // The gateway serves websockets only; the client would begin with polling.
  ...(transport && { transports: [transport] }),
  auth: auth ? JSON.parse(auth) : undefined,
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
  // While it is active the client tries again by itself: it could not reach the gateway. A
  // refusal ends that.
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
