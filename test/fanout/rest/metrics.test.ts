/** What `/metrics` tells is what the engine counts, in the format that Prometheus reads. */
import { spawnSync } from 'node:child_process';
import t from 'tap';
import { serve } from '../../helpers/fanout.js';
import { asker } from '../../helpers/http.js';

/** Values by name and tags, as `name{tag="value"}`. */
function parse(text: string): Map<string, number> {
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    samples.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

t.test('the figures', async (t) => {
  const served = await serve({ log: true, plan: { log: true } });
  t.teardown(() => served.close());
  const ask = asker(served.port);
  const eur = served.shard.define('EURUSD');
  for (let i = 0; i < 50; i++) served.shard.quote(eur, 1.1, 1.2);
  served.shard.commit();
  const client = await served.connect('json');
  await client.subscribe(['EURUSD']);
  await client.until(() => client.ticks.length > 0);
  await ask('/v1/quotes/NOPE');
  await ask('/v1/symbols');

  const answer = await ask('/metrics');
  t.equal(answer.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  const figures = parse(answer.body);
  const is = (name: string, value: number) => t.equal(figures.get(`tickwire_${name}`), value, name);
  is('ticks_sequenced_total', 50);
  is('shard_head_seq{shard="0"}', 50);
  is('shard_applied_seq{shard="0"}', 50);
  is('shard_visible_seq{shard="0"}', 0);
  is('shard_durable_seq{shard="0"}', 0);
  t.ok(figures.has('tickwire_shard_visible_lag_seconds{shard="0"}'));
  t.ok(figures.has('tickwire_shard_durable_lag_seconds{shard="0"}'));
  is('raw_ring_depth{feed="test",shard="0"}', 0);
  is('feed_ticks_received_total{feed="test"}', 0);
  is('feed_last_tick_age_seconds{feed="test"}', 0.007);
  is('feed_state{feed="test",state="live"}', 1);
  is('fanout_connections', 1);
  is('fanout_subscriptions', 1);
  is('fanout_sent_ticks_total', 1);
  is('http_responses_total{status="200"}', 1);
  is('http_responses_total{status="404"}', 1);
  is('log_stalled', 0);
  is('ready', 0);
  is('epoch', 1);
  is('registry_symbols', 1);
  t.ok(figures.get('tickwire_registry_bytes')! < figures.get('tickwire_registry_bytes_max')!);
  t.ok(figures.has('tickwire_ticks_rejected_total{reason="bad_price"}'));
  t.ok((figures.get('process_cpu_user_seconds_total') ?? 0) > 0, 'and of the process');
  const helps = [...answer.body.matchAll(/^# HELP (tickwire_\S+) (.+)$/gm)].map((match) => match[1]);
  const names = new Set(
    [...figures.keys()].filter((k) => k.startsWith('tickwire_')).map((k) => k.split('{')[0]),
  );
  for (const name of names) t.ok(helps.includes(name), `${name} has a HELP text`);

  const again = parse((await ask('/metrics')).body);
  t.equal(again.get('tickwire_http_responses_total{status="200"}'), 2, 'counters go on where they were');
  t.equal(again.get('tickwire_ticks_sequenced_total'), 50, 'and do not add up readings');
});

t.test('two servers of a process', async (t) => {
  const [one, other] = [await serve(), await serve()];
  t.teardown(() => Promise.all([one.close(), other.close()]));
  one.shard.quote(one.shard.define('EURUSD'), 1, 2);
  one.shard.commit();
  const sequenced = async (port: number) =>
    parse((await asker(port)('/metrics')).body).get('tickwire_ticks_sequenced_total');
  t.equal(await sequenced(one.port), 1);
  t.equal(await sequenced(other.port), 0, 'each counts its own');
});

const skip =
  spawnSync('promtool', ['--version']).error === undefined
    ? false
    : 'promtool is not installed (Debian package prometheus)';
t.test('promtool finds nothing to say', { skip }, async (t) => {
  const served = await serve({ log: true, plan: { log: true } });
  t.teardown(() => served.close());
  const { body } = await asker(served.port)('/metrics');
  const checked = spawnSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' });
  t.equal(checked.stdout + checked.stderr, '');
  t.equal(checked.status, 0);
});
