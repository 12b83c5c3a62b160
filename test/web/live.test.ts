import t from 'tap';
import { StreamServer } from '../client/support.js';
import { Browser, figures, whyNot } from './support.js';

t.test('the page shows live prices and how the connection stands', { skip: whyNot() }, async (t) => {
  const server = await StreamServer.start({
    symbols: ['XAUUSD', 'EURUSD', 'GBPUSD'],
    http: figures(500_000),
  });
  server.quote('EURUSD', 1.1, 1.10012);
  server.quote('XAUUSD', 2400.1, 2400.45);
  server.trade('XAUUSD', 2400.3, 1);
  let open = server;
  t.teardown(() => open.close());
  const browser = await Browser.start(`http://127.0.0.1:${server.port}/`);
  t.teardown(() => browser.close());
  const cells = (symbol: string) =>
    `[...document.querySelectorAll('tbody tr:not(.spacer)')].find((r) => r.cells[0].textContent === '${symbol}')`;

  const texts = (symbol: string) => `[...${cells(symbol)}.cells].map((c) => c.textContent)`;
  await browser.until(`${cells('EURUSD')}?.cells[1].textContent`);
  const [, bid, ask, spread] = await browser.evaluate<string[]>(texts('EURUSD'));
  t.same([bid, ask, spread], ['1.10000', '1.10012', '12'], 'the snapshot is there, the spread in points');
  t.equal((await browser.evaluate<string[]>(texts('XAUUSD')))[4], '2400.30000', 'the last trade too');
  t.same(
    await browser.evaluate(`[...document.querySelectorAll('tbody th')].map((c) => c.textContent)`),
    ['EURUSD', 'XAUUSD'],
    'sorted by symbol',
  );
  t.equal(await browser.evaluate(`document.getElementById('connection').textContent`), 'connected');

  // Flashes are short, so the page itself notes them.
  await browser.evaluate(`window.flashes = []; new MutationObserver((all) => {
    for (const { target } of all) if (/up|down/.test(target.className)) flashes.push(target.className);
  }).observe(document.querySelector('tbody'), { subtree: true, attributeFilter: ['class'] })`);
  server.quote('EURUSD', 1.10007, 1.1002);
  t.match(await browser.until<string[]>('flashes.length > 0 && flashes'), [/price up/], 'a rise flashes');
  t.equal((await browser.evaluate<string[]>(texts('EURUSD')))[1], '1.10007');
  await browser.evaluate('void (flashes.length = 0)');
  server.quote('EURUSD', 1.10005, 1.10018);
  t.match(await browser.until<string[]>('flashes.length > 0 && flashes'), [/price down/], 'a fall too');
  await browser.until(`document.querySelectorAll('.up, .down').length === 0`);

  server.conflate('EURUSD');
  server.conflate('EURUSD');
  server.quote('EURUSD', 1.10006, 1.10019);
  await browser.until(`${cells('EURUSD')}.cells[7].textContent === '2'`);
  t.pass('conflated ticks are counted');

  await browser.until(`/k/.test(document.getElementById('rate-sequenced').textContent)`);
  t.equal(await browser.evaluate(`document.getElementById('ready').textContent`), 'ready');

  await server.close();
  await browser.until(`document.getElementById('connection').dataset.state === 'reconnecting'`);
  t.equal(await browser.evaluate(`document.getElementById('connection').textContent`), 'reconnecting');
  const { port } = server;
  const again = await StreamServer.start({ port, symbols: ['EURUSD'], http: figures(1), epoch: 2 });
  open = again;
  again.quote('EURUSD', 1.2, 1.3);
  await browser.until(`document.getElementById('connection').dataset.state === 'connected'`);
  await browser.until(`${cells('EURUSD')}.cells[1].textContent === '1.20000'`);
  t.equal(await browser.evaluate(`document.getElementById('epoch').textContent`), '2');
  t.same(browser.failures, [], 'nothing was thrown in the page');
});
