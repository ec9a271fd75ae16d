import { DomainError } from '../../../errors/index.js';
import { isJsonObject, type JsonObject } from '../../../json/index.js';
import { textOrNull, texts } from '../skill.js';
import type { Warn } from '../skill-folder.js';
import { inside, SourceError, type Source, type Sources } from './plugin-source.js';
import { readManifest } from './plugin.js';

const MANIFESTS = ['.plugin/marketplace.json', '.claude-plugin/marketplace.json'];

/** A list of plugins that a conversation may load from. */
export interface Marketplace extends Source {
  name: string;
  /** Plugins that are loaded without being asked for: all, none, or by name. */
  auto_load: boolean | string[];
}

/** A plugin or a marketplace of that name is not there; the message says which. */
export class UnknownPluginError extends DomainError {
  override readonly name = 'UnknownPluginError';
  readonly kind = 'not-found';
}

/** The marketplaces of an agent context; what is none is left out. */
export function marketplacesOf(context: JsonObject | null): Marketplace[] {
  const list = context?.['registered_marketplaces'];
  return (Array.isArray(list) ? list : []).flatMap((entry: unknown) => {
    if (!isJsonObject(entry)) return [];
    const { name, auto_load: auto } = entry;
    const source = sourceOf(entry);
    if (typeof name !== 'string' || !source) return [];
    return [{ ...source, name, auto_load: Array.isArray(auto) ? texts(auto) : auto === true }];
  });
}

/** A source as requests have it; undefined for what is none. */
export function sourceOf(value: unknown): Source | undefined {
  if (!isJsonObject(value) || typeof value['source'] !== 'string') return undefined;
  return {
    source: value['source'],
    ref: textOrNull(value['ref']),
    repo_path: textOrNull(value['repo_path']),
  };
}

/**
 * The folder of a plugin, by `plugin@marketplace` or, where one marketplace has it, by its name.
 * @param base what relative paths are relative to
 * @throws UnknownPluginError, SourceError
 */
export async function findPlugin(
  ref: string,
  marketplaces: readonly Marketplace[],
  sources: Sources,
  base: string,
  warn: Warn,
): Promise<string> {
  const at = ref.lastIndexOf('@');
  const name = at === -1 ? ref : ref.slice(0, at);
  const wanted = at === -1 ? undefined : ref.slice(at + 1);
  const places = marketplaces.filter((market) => wanted === undefined || market.name === wanted);
  if (places.length === 0) throw new UnknownPluginError(`Marketplace '${wanted ?? ''}' is not registered`);
  for (const market of places) {
    const plugins = await pluginsOf(market, sources, base, warn);
    const folder = plugins.get(name);
    if (folder) return folder();
  }
  const where = wanted === undefined ? 'any registered marketplace' : `marketplace '${wanted}'`;
  throw new UnknownPluginError(`Plugin '${name}' not found in ${where}`);
}

/**
 * The plugins of a marketplace by name, each with a way to its folder.
 * @throws SourceError
 */
export async function pluginsOf(
  market: Marketplace,
  sources: Sources,
  base: string,
  warn: Warn,
): Promise<Map<string, () => Promise<string>>> {
  const root = await sources.resolve(market, base);
  const { plugins } = await readManifest(root, MANIFESTS, warn);
  if (!Array.isArray(plugins)) throw new SourceError(`There is no marketplace.json in ${root}`);
  return new Map(
    plugins.flatMap((entry: unknown) => {
      if (!isJsonObject(entry) || typeof entry['name'] !== 'string') return [];
      return [[entry['name'], () => folderOf(entry, root, sources)] as const];
    }),
  );
}

/** A path below the marketplace, or a repository of its own. */
function folderOf({ source, name }: JsonObject, root: string, sources: Sources): Promise<string> {
  if (typeof source === 'string') return inside(root, source);
  const { source: kind, repo, url, ref, path: below } = isJsonObject(source) ? source : {};
  const address = kind === 'github' ? `github:${String(repo)}` : textOrNull(url);
  if (address === null) throw new SourceError(`Plugin '${String(name)}' has no source`);
  return sources.resolve({ source: address, ref: textOrNull(ref), repo_path: textOrNull(below) }, root);
}
