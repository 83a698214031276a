// Serves dist/ with a made-up rack behind the manager's HTTP interface: `npm run dev [-- PORT]`. For development
// only: it checks neither Host nor Origin, and nothing it shows is measured. The security policy is the manager's
// own, so that what it would forbid fails here too.

import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { MadeUpRack } from "./rack.mjs";

const PORT = Number(process.argv[2] ?? 8099);
const POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const FILES = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/assets/app.js": ["app.js", "text/javascript; charset=utf-8"],
  "/assets/app.css": ["app.css", "text/css; charset=utf-8"],
  "/assets/favicon.svg": ["favicon.svg", "image/svg+xml"],
};

const rack = new MadeUpRack();

function json(response, status, body) {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}

function stream(request, response) {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  const send = (kind, body) => response.write(`event: ${kind}\ndata: ${JSON.stringify(body)}\n\n`);
  send("rack", rack.snapshot());
  rack.listeners.add(send);
  request.on("close", () => rack.listeners.delete(send));
}

async function bodyOf(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text === "" ? {} : JSON.parse(text);
}

async function broker(request, response, verb) {
  const { seconds = 20 } = await bodyOf(request);
  if (verb === "start") rack.startBroker();
  else if (seconds >= 1 && seconds <= 600) rack.stopBroker(seconds);
  else return json(response, 400, { error: `seconds is ${seconds}: give 1 to 600` });
  return json(response, 202, { accepted: true });
}

function ofBoard(request, response, url, name, verb) {
  const board = rack.named(name);
  if (!board)
    return json(response, 404, {
      error: `no board is named ${name}; boards: ${rack.boards.map((one) => one.name).join(", ")}`,
    });
  if (request.method === "POST") {
    rack.plug(board, verb === "plug");
    return json(response, 202, { accepted: true });
  }
  if (verb !== "history") return json(response, 200, board.json(Date.now() / 1000));
  const series = url.searchParams.get("series") ?? "";
  const since = Date.now() / 1000 - Number(url.searchParams.get("seconds") ?? 300);
  const points = (board.history.get(series) ?? []).filter(
    ([at]) => at >= since && (board.lastSeen === null || at <= board.lastSeen),
  );
  return json(response, 200, { series, unit: "", points });
}

createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://localhost");
  const file = FILES[url.pathname];
  if (file) {
    response.writeHead(200, { "content-type": file[1], "content-security-policy": POLICY });
    return createReadStream(fileURLToPath(new URL(`../dist/${file[0]}`, import.meta.url))).pipe(response);
  }
  const [, api, room, name, verb] = url.pathname.split("/").map(decodeURIComponent);
  if (api === "api" && room === "rack") return json(response, 200, rack.snapshot());
  if (api === "api" && room === "events")
    return json(response, 200, rack.events.slice(0, Number(url.searchParams.get("limit") ?? 100)));
  if (api === "api" && room === "stream") return stream(request, response);
  if (api === "api" && room === "broker") return broker(request, response, name);
  if (api === "api" && room === "boards" && name) return ofBoard(request, response, url, name, verb);
  return json(response, 404, { error: `nothing is at ${url.pathname}` });
}).listen(PORT, "127.0.0.1", () => {
  console.log(`A made-up rack, for development only: http://127.0.0.1:${PORT}/`);
});
