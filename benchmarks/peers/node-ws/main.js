// The peer `ws` of Node.js: an echo and rooms. See ../README.md for the command line.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { parseArgs } from 'node:util';
import { WebSocket, WebSocketServer } from 'ws';

const { values } = parseArgs({
  options: { cert: { type: 'string' }, key: { type: 'string' }, compress: { type: 'boolean', default: false } },
});
const server = values.cert
  ? https.createServer({ cert: readFileSync(values.cert), key: readFileSync(values.key) })
  : http.createServer();
const sockets = new WebSocketServer({
  server,
  maxPayload: 2 << 20,
  perMessageDeflate: values.compress && { threshold: 0 },
});
const rooms = new Map();

sockets.on('connection', (socket, request) => {
  socket.on('error', () => {}); // the close follows
  if (!request.url.startsWith('/rooms/')) {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    return;
  }
  const room = rooms.get(request.url) ?? new Set();
  rooms.set(request.url, room.add(socket));
  socket.on('close', () => room.delete(socket));
  socket.on('message', (data, isBinary) => {
    for (const member of room) {
      if (member !== socket && member.readyState === WebSocket.OPEN) member.send(data, { binary: isBinary });
    }
  });
});
server.listen(0, '127.0.0.1', 4096, () => console.log(`listening ${server.address().port}`));
