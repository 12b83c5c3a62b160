#!/usr/bin/env bash
# uWebSockets.js (npm: uwebsockets 3.0.6) trims bytes from 0x80 on off both ends of a header's value, as if they were
# blanks. RFC 9110 has only space and tab as such; a byte from 0x80 on (obs-text) belongs to the value. So what a handler
# reads is not what was sent: a name in Latin-1 or UTF-8 loses its last letter. Node's own server keeps the bytes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund --save-exact uwebsockets@3.0.6 > /dev/null
cat > look.js <<'JS'
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { once } from 'node:events';
import uws from 'uwebsockets';

const SENT = Buffer.from('caf\xe9', 'latin1');
const ask = async (port) => {
  const socket = connect(port, '127.0.0.1');
  socket.write(Buffer.concat([Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Name: '), SENT, Buffer.from('\r\n\r\n')]));
  let got = '';
  socket.on('data', (data) => { got += data; });
  await once(socket, 'close');
  return Number(got.split('\r\n\r\n')[1]);
};

let port = 0;
const app = uws.App().get('/', (res, req) => { res.end(String([...req.getHeader('x-name')].length), true); });
await new Promise((resolve) => app.listen('127.0.0.1', 0, (socket) => { port = uws.us_socket_local_port(socket); resolve(); }));
const ofUws = await ask(port);
const node = createServer((req, res) => res.end(String([...req.headers['x-name']].length))).listen(0, '127.0.0.1');
await once(node, 'listening');
const ofNode = await ask(node.address().port);
console.log(`node ${process.version}, uwebsockets 3.0.6`);
console.log(`sent: a header value of ${SENT.length} bytes, the last of them 0xE9`);
console.log(`expected: ${SENT.length} characters, as node:http has it (${ofNode})`);
console.log(`observed: ${ofUws} characters`);
process.exit(ofUws === SENT.length - 1 && ofNode === SENT.length ? 0 : 1);
JS
node look.js
