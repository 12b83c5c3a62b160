/**
 * Prints the public declarations of the package from the .d.ts files of a build: what it exports, by entry and name,
 * then the declarations of this project that those use and the package does not export. `npm run api` writes the
 * report to docs/api.txt; a test compares that file with the build, so that a change of the library's face is seen.
 */
import { pathToFileURL } from 'node:url';
import ts from 'typescript';

const ENTRIES = { tickwire: 'dist/src/index.d.ts', 'tickwire/client': 'dist/src/client/index.d.ts' };
const PROJECT = /\/dist\/src\//;

const byName = (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** A declaration on its own: comments, private members and the words before `export` are left out. */
function textOf(declaration, printer) {
  const isPrivate = (member) =>
    (member.name !== undefined && ts.isPrivateIdentifier(member.name)) ||
    (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private) !== 0;
  const strip = (context) => (root) => {
    const visit = (node) => {
      if (ts.isClassElement(node) && isPrivate(node)) return undefined;
      if (
        ts.isModifier(node) &&
        [ts.SyntaxKind.ExportKeyword, ts.SyntaxKind.DeclareKeyword].includes(node.kind)
      )
        return undefined;
      return ts.visitEachChild(node, visit, context);
    };
    return ts.visitNode(root, visit);
  };
  const { transformed } = ts.transform(declaration, [strip]);
  return printer.printNode(ts.EmitHint.Unspecified, transformed[0], declaration.getSourceFile());
}

/** What is printed of a declared name: the statement for a variable. */
function statementOf(declaration) {
  return ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
}

/** The report; `root` is the project's folder, with a build in it. */
export function apiReport(root) {
  const files = Object.values(ENTRIES).map((file) => `${root}/${file}`);
  const program = ts.createProgram(files, {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    types: ['node'],
    skipLibCheck: true,
    noEmit: true,
  });
  const checker = program.getTypeChecker();
  const printer = ts.createPrinter({ removeComments: true });
  const resolve = (symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const declarationsOf = (symbol) =>
    (symbol.declarations ?? []).filter((d) => PROJECT.test(d.getSourceFile().fileName)).map(statementOf);

  const seen = new Set();
  const waiting = [];
  const print = (symbol) => {
    const texts = declarationsOf(symbol).map((declaration) => {
      collect(declaration);
      return textOf(declaration, printer);
    });
    return texts.join('\n');
  };
  /** Notes the project's declarations that a declaration names. */
  const collect = (node) => {
    if (ts.isClassElement(node) && node.name !== undefined && ts.isPrivateIdentifier(node.name)) return;
    if (ts.isIdentifier(node)) {
      const symbol = checker.getSymbolAtLocation(node);
      if (symbol !== undefined) waiting.push(resolve(symbol));
    }
    ts.forEachChild(node, collect);
  };
  const isTopLevel = (symbol) =>
    declarationsOf(symbol).some((d) => ts.isSourceFile(d.parent) || ts.isVariableStatement(d));

  let report = '';
  for (const [entry, file] of Object.entries(ENTRIES)) {
    const module = checker.getSymbolAtLocation(program.getSourceFile(`${root}/${file}`));
    const exported = checker
      .getExportsOfModule(module)
      .map((symbol) => ({ name: symbol.name, symbol: resolve(symbol) }))
      .sort(byName);
    for (const { symbol } of exported) seen.add(symbol);
    report += `== ${entry}\n\n`;
    for (const { name, symbol } of exported)
      report += `${name === symbol.name ? '' : `${name} =\n`}${print(symbol)}\n\n`;
  }
  const used = [];
  while (waiting.length > 0) {
    const symbol = waiting.pop();
    if (seen.has(symbol) || !isTopLevel(symbol)) continue;
    seen.add(symbol);
    // The schema of an option is long, and docs/operations.md has all options.
    const isValue = (symbol.flags & ts.SymbolFlags.Variable) !== 0;
    used.push(isValue ? `const ${symbol.name}: …` : print(symbol));
  }
  report += '== used, and not exported\n\n';
  for (const text of used.sort()) report += `${text}\n\n`;
  return `${report.trimEnd()}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) process.stdout.write(apiReport(process.cwd()));
