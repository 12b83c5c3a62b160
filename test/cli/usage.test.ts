/** Help, and the exit codes: 0 done, 1 failed, 2 wrong use. */
import t from 'tap';
import { run, temporaryFolder } from './support.js';

const COMMANDS = [
  ['serve'],
  ['simulate', 'mt5'],
  ['replay'],
  ['import'],
  ['export'],
  ['log', 'stat'],
  ['log', 'verify'],
  ['log', 'compact'],
  ['log', 'recover'],
  ['tail'],
  ['bench', 'pipeline'],
  ['bench', 'fanout'],
  ['demo'],
];

t.test('every command has help with an example', async (t) => {
  for (const command of COMMANDS) {
    const { code, stdout } = await run(t, [...command, '--help']);
    t.equal(code, 0, command.join(' '));
    t.match(stdout, /Examples?:\n +(\$ )?ticks /, command.join(' '));
  }
});

t.test('the program itself', async (t) => {
  const help = await run(t, ['--help']);
  t.equal(help.code, 0);
  t.match(help.stdout, /serve .*simulate .*replay .*tail .*/s);
  const version = await run(t, ['--version']);
  t.equal(version.code, 0);
  t.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
});

t.test('wrong use ends with 2 and says what was expected', async (t) => {
  const cwd = temporaryFolder(t);
  const of = async (...args: string[]) => {
    const { code, stderr, stdout } = await run(t, args, { cwd });
    t.equal(code, 2, args.join(' '));
    t.equal(stdout, '', 'nothing on stdout');
    return stderr;
  };
  t.match(await of('fly'), /unknown command 'fly'/);
  t.match(await of('serve', '--prot', '1'), /unknown option '--prot'/);
  t.match(await of('serve', '--port', 'x'), /whole number from 0 to 65535/);
  t.match(await of('serve', '--feed', 'mt4'), /Expected one of mt5, file, synthetic/);
  t.match(await of('serve', '--feed', 'mt5={"port":"abc"}'), /feeds\[0\]\.options\.port: .* \[bad_config\]/);
  t.match(await of('simulate', 'mt5'), /Nothing to play/);
  t.match(await of('simulate', 'mt5', '--synthetic', '--zone', 'Mars'), /Zone rule "Mars" is not known/);
  t.match(await of('replay', '--from', 'yesterday'), /"yesterday" is neither a time/);
});

t.test('a failure ends with 1, in one sentence with its code', async (t) => {
  const cwd = temporaryFolder(t);
  const { code, stderr } = await run(t, ['replay', '--data', 'nothing-here'], { cwd });
  t.equal(code, 1);
  t.match(stderr, /^ticks: There is no tick log in nothing-here.* \[log_missing\]\n$/);
  const verbose = await run(t, ['replay', '--data', 'nothing-here', '--verbose'], { cwd });
  t.match(verbose.stderr, /\n +at /, 'with --verbose, where it comes from');
});
