import { DomainError } from '../../../errors/index.js';
import { isJsonObject, type JsonObject, asText } from '../../../json/index.js';
import { stringsIn } from '../skill.js';
import type { Warn } from '../files/skill-folder.js';
import { folderInside, PluginSourceError, type PluginSource, type PluginSources } from './plugin-source.js';
import { readManifest } from './plugin.js';

const MANIFESTS = ['.plugin/marketplace.json', '.claude-plugin/marketplace.json'];

/** A list of plugins that a conversation can load. */
export interface Marketplace extends PluginSource {
  name: string;
  /** Plugins that are loaded automatically: all, none, or by name. */
  auto_load: boolean | string[];
}

/** There is no such plugin or marketplace; the message says which. */
class UnknownPluginError extends DomainError {
  override readonly name = 'UnknownPluginError';
  readonly kind = 'not-found';
}

/** The marketplaces of an agent context; invalid entries are skipped. */
export function marketplacesOf(context: JsonObject | null): Marketplace[] {
  const list = context?.['registered_marketplaces'];
  return (Array.isArray(list) ? list : []).flatMap((entry: unknown) => {
    if (!isJsonObject(entry)) return [];
    const { name, auto_load: auto } = entry;
    const source = toPluginSource(entry);
    if (typeof name !== 'string' || !source) return [];
    return [{ ...source, name, auto_load: Array.isArray(auto) ? stringsIn(auto) : auto === true }];
  });
}

/** Parses a source of a request; undefined if it is invalid. */
export function toPluginSource(value: unknown): PluginSource | undefined {
  if (!isJsonObject(value) || typeof value['source'] !== 'string') return undefined;
  return {
    source: value['source'],
    ref: asText(value['ref']),
    repo_path: asText(value['repo_path']),
  };
}

/**
 * The folder of a plugin, given as `plugin@marketplace` or by its name alone.
 * @param base base of relative paths
 * @throws UnknownPluginError, PluginSourceError
 */
export async function findPlugin(
  ref: string,
  marketplaces: readonly Marketplace[],
  sources: PluginSources,
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
 * The plugins of a marketplace by name, each with a function that resolves its folder.
 * @throws PluginSourceError
 */
export async function pluginsOf(
  market: Marketplace,
  sources: PluginSources,
  base: string,
  warn: Warn,
): Promise<Map<string, () => Promise<string>>> {
  const root = await sources.resolve(market, base);
  const { plugins } = await readManifest(root, MANIFESTS, warn);
  if (!Array.isArray(plugins)) throw new PluginSourceError(`There is no marketplace.json in ${root}`);
  return new Map(
    plugins.flatMap((entry: unknown) => {
      if (!isJsonObject(entry) || typeof entry['name'] !== 'string') return [];
      return [[entry['name'], () => folderOf(entry, root, sources)] as const];
    }),
  );
}

/** Resolves a path inside the marketplace or a repository. */
function folderOf({ source, name }: JsonObject, root: string, sources: PluginSources): Promise<string> {
  if (typeof source === 'string') return folderInside(root, source);
  const { source: kind, repo, url, ref, path: below } = isJsonObject(source) ? source : {};
  const address = kind === 'github' ? `github:${String(repo)}` : asText(url);
  if (address === null) throw new PluginSourceError(`Plugin '${String(name)}' has no source`);
  return sources.resolve({ source: address, ref: asText(ref), repo_path: asText(below) }, root);
}
