import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const PACKAGE = '@openhands/typescript-client';
const CLIENTS = fileURLToPath(new URL('../clients/', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * What the TypeScript client exports, and what the specs of the client call, as `Class.method` or `function`.
 */
export interface ClientInterface {
  offered: Set<string>;
  called: Set<string>;
}

/** Reads the client's declarations and the specs with the compiler, which resolves the class of each call. */
export async function readClientInterface(): Promise<ClientInterface> {
  const names = await readdir(CLIENTS);
  const specs = names.filter((name) => name.endsWith('.spec.ts')).map((name) => CLIENTS + name);
  const program = ts.createProgram(specs, {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node', 'jest'],
    typeRoots: [`${ROOT}node_modules/@types`],
    skipLibCheck: true,
    noEmit: true,
  });
  const reader = new Reader(program);
  for (const spec of specs) reader.readCalls(spec);
  for (const entry of ['index', 'clients']) reader.readExports(entry);
  return { offered: reader.offered, called: reader.called };
}

class Reader {
  readonly offered = new Set<string>();
  readonly called = new Set<string>();
  private readonly checker: ts.TypeChecker;

  constructor(private readonly program: ts.Program) {
    this.checker = program.getTypeChecker();
  }

  /** Records everything of the client that a spec uses: calls, accessors, functions as arguments. */
  readCalls(file: string): void {
    const visit = (node: ts.Node): void => {
      if (ts.isPropertyAccessExpression(node)) this.noteCall(node.name);
      if (ts.isForOfStatement(node) && node.awaitModifier) this.noteIteration(node.expression);
      ts.forEachChild(node, visit);
    };
    visit(this.source(file));
  }

  /** Records the exported functions and the public methods of exported classes and of their properties. */
  readExports(entry: string): void {
    const module = this.checker.getSymbolAtLocation(this.source(`${PACKAGE}/dist/${entry}.d.ts`));
    if (!module) throw new Error(`${PACKAGE}: no exports in ${entry}`);
    for (const symbol of this.checker.getExportsOfModule(module)) {
      for (const declaration of this.resolved(symbol).declarations ?? []) this.noteOffer(declaration);
    }
  }

  private source(file: string): ts.SourceFile {
    const found = this.program.getSourceFiles().find(({ fileName }) => fileName.endsWith(file));
    if (!found) throw new Error(`${file} is not among what the specs import`);
    return found;
  }

  private resolved(symbol: ts.Symbol): ts.Symbol {
    return symbol.flags & ts.SymbolFlags.Alias ? this.checker.getAliasedSymbol(symbol) : symbol;
  }

  private noteCall(name: ts.MemberName): void {
    const symbol = this.checker.getSymbolAtLocation(name);
    if (symbol) this.noteNames(this.resolved(symbol), this.called);
  }

  private noteIteration(expression: ts.Expression): void {
    const type = this.checker.getTypeAtLocation(expression);
    const symbol = type.getProperties().find(({ name }) => name.startsWith('__@asyncIterator'));
    if (symbol) this.noteNames(symbol, this.called);
  }

  private noteNames(symbol: ts.Symbol, into: Set<string>): void {
    for (const declaration of symbol.declarations ?? []) {
      const name = isOfClient(declaration) ? nameOf(declaration) : undefined;
      if (name !== undefined) into.add(name);
    }
  }

  private noteOffer(declaration: ts.Declaration): void {
    if (!isOfClient(declaration)) return;
    if (ts.isFunctionDeclaration(declaration)) this.offered.add(nameOf(declaration) ?? '');
    if (!ts.isClassDeclaration(declaration)) return;
    for (const member of declaration.members.filter(isPublic)) {
      const name = nameOf(member);
      if (name !== undefined) this.offered.add(name);
      else if (ts.isPropertyDeclaration(member)) this.noteHeld(member);
    }
  }

  /** A class that is only reached through a property of another one, such as `manager.acp`. */
  private noteHeld(property: ts.PropertyDeclaration): void {
    const symbol = this.checker.getTypeAtLocation(property).getSymbol();
    for (const declaration of symbol?.declarations ?? []) {
      const isSeen = [...this.offered].some((name) => name.startsWith(`${symbol?.name ?? ''}.`));
      if (!isSeen) this.noteOffer(declaration);
    }
  }
}

function isOfClient(declaration: ts.Declaration): boolean {
  return declaration.getSourceFile().fileName.includes(`/${PACKAGE}/dist/`);
}

function isPublic(member: ts.ClassElement): boolean {
  const flags = ts.getCombinedModifierFlags(member);
  return !(flags & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected | ts.ModifierFlags.Abstract));
}

function nameOf(declaration: ts.Declaration): string | undefined {
  if (ts.isFunctionDeclaration(declaration)) return declaration.name?.text;
  const isMember = ts.isMethodDeclaration(declaration) || ts.isGetAccessorDeclaration(declaration);
  if (!isMember || !ts.isClassDeclaration(declaration.parent)) return undefined;
  return `${declaration.parent.name?.text ?? ''}.${declaration.name.getText()}`;
}
