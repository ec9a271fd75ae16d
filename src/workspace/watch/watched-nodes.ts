import path from 'node:path';
import type { IgnoreRules } from '../../tools/index.js';
import { entryOf, parentOf, type WatchedFolder } from './watched-folder.js';

/** Rules of a folder further down than below so many others with rules are not obeyed: each is work. */
const MAX_RULE_FILES = 10;

/** The rules of a folder, for paths in the tree. */
interface PlacedRules {
  rules: IgnoreRules;
  /** Characters of the path of the folder, which its rules do not see. */
  strip: number;
}

/** A watched folder in its tree. */
export interface WatchedNode {
  /** Relative to the tree; empty for its root. */
  readonly path: string;
  readonly folder: WatchedFolder;
  /** By name. */
  readonly children: Map<string, WatchedNode>;
  /** Its rules and those of the folders above it, its own first. */
  rules: readonly PlacedRules[];
  /** When it was last read, a folder in it was left out because of rules. */
  hasLeftOut: boolean;
}

/** The watched folders of a tree. Each operation takes as long as there are folders that it is about. */
export class WatchedNodes {
  private readonly nodes = new Map<string, WatchedNode>();

  get size(): number {
    return this.nodes.size;
  }

  get(folder: string): WatchedNode | undefined {
    return this.nodes.get(folder);
  }

  /** @returns undefined if the folder above it is not watched any more */
  add(folder: string, watched: WatchedFolder): WatchedNode | undefined {
    const parent = folder === '' ? undefined : this.nodes.get(parentOf(folder));
    if (folder !== '' && !parent) return undefined;
    const node: WatchedNode = {
      path: folder,
      folder: watched,
      children: new Map(),
      rules: [],
      hasLeftOut: false,
    };
    node.rules = rulesOf(node, parent);
    parent?.children.set(path.basename(folder), node);
    this.nodes.set(folder, node);
    return node;
  }

  /** Removes a folder and all below it. @returns them */
  take(folder: string): WatchedNode[] {
    const taken = this.below(folder);
    for (const node of taken) this.nodes.delete(node.path);
    this.nodes.get(parentOf(folder))?.children.delete(path.basename(folder));
    return taken;
  }

  /** A folder and all below it, each after the one it is in. */
  below(folder: string): WatchedNode[] {
    const root = this.nodes.get(folder);
    const found = root ? [root] : [];
    for (const node of found) found.push(...node.children.values());
    return found;
  }

  /** The rules of a folder have changed: they are rules of those below it, too. */
  updateRules(folder: string): void {
    for (const node of this.below(folder)) node.rules = rulesOf(node, this.nodes.get(parentOf(node.path)));
  }

  /** Whether nothing below a path is watched, if it is a folder: it is git's, or ignored. */
  isLeftOut(file: string): boolean {
    if (path.basename(file) === '.git') return true;
    for (const { rules, strip } of this.nodes.get(parentOf(file))?.rules ?? []) {
      const verdict = rules.verdict(file.slice(strip), true);
      if (verdict !== undefined) return verdict === 'ignored';
    }
    return false;
  }
}

function rulesOf({ path: at, folder }: WatchedNode, parent: WatchedNode | undefined): readonly PlacedRules[] {
  const above = at === '' ? [] : (parent?.rules ?? []);
  const rules = folder.ignore?.rules;
  if (!rules || rules.size === 0 || above.length >= MAX_RULE_FILES) return above;
  return [{ rules, strip: entryOf(at, '').length }, ...above];
}
