/**
 * Compiles the project as `tsc` does, and writes imported numeric constants as the numbers that they are.
 *
 * V8 reads an imported binding through a cell, with a check, at every use, and folds none of them into the
 * code that it optimises. A tick's way through the engine uses some hundred named offsets, flags and limits:
 * inlined, the same source runs a third faster (docs/decisions/0001-inlined-constants.md).
 */
import ts from 'typescript';

const HOST = {
  getCurrentDirectory: ts.sys.getCurrentDirectory,
  getCanonicalFileName: (name) => name,
  getNewLine: () => '\n',
};

/** The number that `NAME` or `NAME.property` stands for, where NAME is a constant of a module; else undefined. */
function constantOf(checker, node) {
  const root = ts.isPropertyAccessExpression(node) ? node.expression : node;
  if (!ts.isIdentifier(root)) return undefined;
  const symbol = checker.getSymbolAtLocation(root);
  const declaration = symbol?.declarations?.[0];
  // What is neither imported nor exported is no binding of a module, and V8 folds it by itself.
  if (declaration === undefined || !(ts.isImportSpecifier(declaration) || isExported(declaration)))
    return undefined;
  return evaluate(checker, node);
}

function isExported(declaration) {
  return (
    ts.isVariableDeclaration(declaration) &&
    ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Export
  );
}

/** The initializer of the constant that an identifier means, in whichever file it stands. */
function initializerOf(checker, identifier) {
  let symbol = checker.getSymbolAtLocation(identifier);
  if (symbol !== undefined && symbol.flags & ts.SymbolFlags.Alias) symbol = checker.getAliasedSymbol(symbol);
  const declaration = symbol?.valueDeclaration;
  if (declaration === undefined || !ts.isVariableDeclaration(declaration)) return undefined;
  if (!(ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const)) return undefined;
  return declaration.initializer;
}

const OPERATIONS = {
  [ts.SyntaxKind.PlusToken]: (a, b) => a + b,
  [ts.SyntaxKind.MinusToken]: (a, b) => a - b,
  [ts.SyntaxKind.AsteriskToken]: (a, b) => a * b,
  [ts.SyntaxKind.SlashToken]: (a, b) => a / b,
  [ts.SyntaxKind.AsteriskAsteriskToken]: (a, b) => a ** b,
  [ts.SyntaxKind.LessThanLessThanToken]: (a, b) => a << b,
  [ts.SyntaxKind.BarToken]: (a, b) => a | b,
};

/** Evaluates an expression of numbers and constants; undefined when it is anything else. */
function evaluate(checker, node) {
  if (ts.isNumericLiteral(node)) return Number(node.text.replaceAll('_', ''));
  if (ts.isParenthesizedExpression(node)) return evaluate(checker, node.expression);
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.MinusToken) {
    const value = evaluate(checker, node.operand);
    return value === undefined ? undefined : -value;
  }
  if (ts.isBinaryExpression(node)) {
    const [left, right] = [evaluate(checker, node.left), evaluate(checker, node.right)];
    const operation = OPERATIONS[node.operatorToken.kind];
    return left === undefined || right === undefined ? undefined : operation?.(left, right);
  }
  if (ts.isIdentifier(node)) {
    const initializer = initializerOf(checker, node);
    return initializer === undefined ? undefined : evaluate(checker, initializer);
  }
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
    const frozen = initializerOf(checker, node.expression);
    // Only `{…} as const` cannot be written to.
    if (
      frozen === undefined ||
      !ts.isAsExpression(frozen) ||
      !ts.isObjectLiteralExpression(frozen.expression)
    ) {
      return undefined;
    }
    const property = frozen.expression.properties.find((p) => p.name?.text === node.name.text);
    return property !== undefined && ts.isPropertyAssignment(property)
      ? evaluate(checker, property.initializer)
      : undefined;
  }
  return undefined;
}

/** Whether the node is read as a value: not a name being declared, written to, imported or exported. */
function isRead(node) {
  const { parent } = node;
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent) || ts.isTypeNode(parent)) return false;
  if (ts.isPropertyAccessExpression(parent)) return false;
  if (ts.isShorthandPropertyAssignment(parent) || ts.isTypeQueryNode(parent)) return false;
  return parent.name !== node && parent.left !== node
    ? true
    : ts.isBinaryExpression(parent) && !isAssignment(parent);
}

function isAssignment({ operatorToken: { kind } }) {
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
}

function literal(factory, value) {
  if (value >= 0) return factory.createNumericLiteral(value);
  return factory.createParenthesizedExpression(
    factory.createPrefixUnaryExpression(ts.SyntaxKind.MinusToken, factory.createNumericLiteral(-value)),
  );
}

function inlineConstants(checker) {
  return (context) => (file) => {
    const visit = (node) => {
      if ((ts.isIdentifier(node) || ts.isPropertyAccessExpression(node)) && isRead(node)) {
        const value = constantOf(checker, node);
        if (value !== undefined && Number.isFinite(value)) return literal(context.factory, value);
      }
      return ts.visitEachChild(node, visit, context);
    };
    return ts.visitEachChild(file, visit, context);
  };
}

const config = ts.getParsedCommandLineOfConfigFile(
  'tsconfig.json',
  {},
  {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
      process.stderr.write(ts.formatDiagnostic(diagnostic, HOST));
      process.exit(1);
    },
  },
);
const program = ts.createProgram(config.fileNames, config.options);
const { diagnostics } = program.emit(undefined, undefined, undefined, false, {
  before: [inlineConstants(program.getTypeChecker())],
});
const found = [...ts.getPreEmitDiagnostics(program), ...diagnostics];
if (found.length > 0) {
  process.stderr.write(ts.formatDiagnostics(found, HOST));
  process.exitCode = 1;
}
