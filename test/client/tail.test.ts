import { Writable } from 'node:stream';
import { Command, CommanderError } from 'commander';
import t from 'tap';
import { register, runTail } from '../../src/cli/tail.js';
import { StreamServer } from './support.js';

/** A stream that keeps what is written, and reports when `lines` lines have come. */
class Kept extends Writable {
  text = '';
  isTTY = false;
  onText = () => {};

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += String(chunk);
    done();
    this.onText();
  }
  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }
}

function kept(): {
  out: Kept;
  err: Kept;
  streams: { stdout: NodeJS.WriteStream; stderr: NodeJS.WriteStream };
} {
  const out = new Kept();
  const err = new Kept();
  const streams = { stdout: out, stderr: err } as unknown as {
    stdout: NodeJS.WriteStream;
    stderr: NodeJS.WriteStream;
  };
  return { out, err, streams };
}

t.test('--json --count: exactly so many objects on stdout, everything else on stderr', async (t) => {
  const server = await StreamServer.start();
  server.quote('EURUSD', 1.1, 1.10009);
  server.trade('XAUUSD', 2400.5, 2);
  server.quote('XAUUSD', 2400.1, 2400.6);
  const { out, err, streams } = kept();
  await runTail({ url: server.url, symbols: ['*', 'NOPE'], json: true, count: 2, ...streams });
  t.equal(out.lines.length, 2);
  t.match(JSON.parse(out.lines[0]), { kind: 'quote', symbol: 'EURUSD', bid: 1.1, tsRecv: /^\d{19}$/ });
  t.match(JSON.parse(out.lines[1]), { kind: 'trade', symbol: 'XAUUSD', side: 'buy', size: 2 });
  t.match(err.text, /NOPE/);
  await server.close();
});

t.test(
  'columns are aligned, with the digits of the symbol, and without colour where there is no terminal',
  async (t) => {
    const server = await StreamServer.start();
    server.quote('EURUSD', 1.1, 1.2);
    server.quote('XAUUSD', 2400.1, 2400.6);
    const { out, streams } = kept();
    await runTail({ url: server.url, symbols: ['*'], count: 2, ...streams });
    t.match(out.lines[0], /^\d\d:\d\d:\d\d\.\d{6} {2}EURUSD {4}quote .* 1\.10000 .* 1\.20000 .*#1/);
    t.equal(out.lines[0].indexOf('#1'), out.lines[1].indexOf('#1'));
    t.notMatch(out.text, '\u001b');
    await server.close();
  },
);

t.test(
  '--from: from a cursor or a time, in mode every unless told otherwise, at the speed asked for',
  async (t) => {
    const server = await StreamServer.start();
    for (let i = 0; i < 4; i++) server.quote('EURUSD', 1 + i / 10, 2);
    const { out, err, streams } = kept();
    const tail = { url: server.url, symbols: ['*'], json: true, ...streams };
    await runTail({ ...tail, from: server.cursorAt(2), count: 2 });
    await runTail({ ...tail, from: '1970-01-01', speed: 50, count: 4 });
    t.same(
      out.lines.map((line) => JSON.parse(line).seq),
      [3, 4, 1, 2, 3, 4],
    );
    const [first, second] = server.peers.map(({ requests }) => requests[0]);
    t.match(first, { mode: 'every', from: server.cursorAt(2) });
    t.match(second, { mode: 'every', from: '1970-01-01', speed: 50 });
    await runTail({ ...tail, from: server.cursorAt(2), mode: 'latest', count: 1 });
    t.match(server.peer.requests[0], { mode: 'latest' });
    for (const wrong of [{ speed: 2 }, { speed: 2, from: '1970-01-01', mode: 'latest' as const }]) {
      await t.rejects(runTail({ ...tail, ...wrong }), {
        code: 'bad_config',
        message: /--from and with --mode/,
      });
    }
    t.equal(err.text, '');
    await server.close();
  },
);

t.test('a busy server is waited for, and that is reported', async (t) => {
  const server = await StreamServer.start();
  server.quote('EURUSD', 1, 2);
  server.onPeer = (peer) => {
    const error = { code: 'busy', message: 'Many others read.', temporary: true, retryMs: 1 } as const;
    peer.refusals.push({ op: 'subscribe', error });
  };
  const { out, err, streams } = kept();
  await runTail({ url: server.url, symbols: ['*'], from: '1970-01-01', count: 1, ...streams });
  t.equal(out.lines.length, 1);
  t.match(err.text, 'ticks: Many others read. Trying again.');
  await server.close();
});

t.test('--token, or TICKS_TOKEN: shown to a server that wants one', async (t) => {
  const server = await StreamServer.start({ token: 'open sesame' });
  server.quote('EURUSD', 1, 2);
  const { out, streams } = kept();
  const tail = { url: server.url, symbols: ['*'], count: 1, ...streams };
  await runTail({ ...tail, token: 'open sesame' });
  t.equal(out.lines.length, 1);
  await t.rejects(runTail({ ...tail, token: 'wrong' }), { closeCode: 4501, code: 'connection_closed' });
  await t.rejects(runTail(tail), { code: 'connection_closed', message: /wants a token/ });
  const program = new Command();
  register(program);
  const help = program.commands[0].helpInformation();
  t.match(help, /--token <token>.*\n?.*TICKS_TOKEN/s);
  await server.close();
});

t.test('a signal ends it without an error', async (t) => {
  const server = await StreamServer.start();
  server.quote('EURUSD', 1.1, 1.2);
  const { out, streams } = kept();
  const abort = new AbortController();
  out.onText = () => abort.abort();
  await runTail({ url: server.url, symbols: ['*'], signal: abort.signal, ...streams });
  t.equal(out.lines.length, 1);
  await server.close();
});

t.test('failures and wrong use', async (t) => {
  const server = await StreamServer.start();
  const { url } = server;
  await server.close();
  const { streams } = kept();
  await t.rejects(runTail({ url, symbols: ['*'], ...streams }), { code: 'connection_closed' });
  await t.rejects(runTail({ url: 'http://x', symbols: ['*'], ...streams }), { code: 'bad_config' });
  for (const wrong of [
    ['--count', '0'],
    ['--kinds', 'news'],
    ['--mode', 'all'],
    ['--speed', '-1'],
    ['--speed', 'fast'],
    ['--nope'],
  ]) {
    const program = new Command().exitOverride();
    register(program);
    for (const command of program.commands) command.exitOverride().configureOutput({ writeErr: () => {} });
    await t.rejects(program.parseAsync(['node', 'ticks', 'tail', ...wrong]), CommanderError, wrong.join(' '));
  }
});
