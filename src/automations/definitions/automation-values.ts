import { InvalidRequestError } from '../../errors/index.js';
import { asText, isJsonObject, type JsonObject } from '../../json/index.js';
import type { PluginSource, RepositorySource, Variant } from './automation.js';

/** As the original. */
const PROVIDERS: readonly string[] = ['github', 'gitlab', 'bitbucket', 'azure_devops'];
const REF = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$/;
const SHORT_ADDRESS = /^[\w.-]+(\/[\w.-]+)+$/;
/** Nothing that a shell or git could take for an option, and no secrets in the address. */
const ADDRESS = /^(https?:\/\/|ssh:\/\/|git:\/\/|file:\/\/|[\w.-]+@[\w.-]+:)[^\s\0]+$/;
const MAX_URL = 1_000;
const MAX_REPOSITORIES = 20;
const MAX_PLUGINS = 20;
const MAX_TEMPLATE_CONFIG = 16_384;
/** Sums of weights stay exact enough. */
const MAX_WEIGHT = 1_000_000;

type Path = readonly (string | number)[];

/** Reads `repos`: a text, an object, or a list of both. @throws InvalidRequestError */
export function readRepositories(raw: unknown, path: Path): RepositorySource[] {
  if (raw === null || raw === undefined) return [];
  const given: unknown[] = Array.isArray(raw) ? raw : [raw];
  if (given.length > MAX_REPOSITORIES)
    throw problem(path, `At most ${MAX_REPOSITORIES} repositories`, undefined);
  return given.map((one, index) => readRepository(one, Array.isArray(raw) ? [...path, index] : path));
}

function readRepository(raw: unknown, path: Path): RepositorySource {
  const {
    url,
    ref = null,
    provider = null,
  } = typeof raw === 'string' ? { url: raw } : isJsonObject(raw) ? raw : {};
  if (typeof url !== 'string' || url === '' || url.length > MAX_URL)
    throw problem([...path, 'url'], 'A repository needs an address, or owner/name and a provider', url);
  if (provider !== null && (typeof provider !== 'string' || !PROVIDERS.includes(provider)))
    throw problem([...path, 'provider'], `A provider is one of ${PROVIDERS.join(', ')}`, provider);
  if (ref !== null && ref !== '' && (typeof ref !== 'string' || !REF.test(ref)))
    throw problem([...path, 'ref'], 'A branch, tag or commit has letters, digits and . _ / -', ref);
  const isShort = isShortAddress(url);
  if (isShort && provider === null)
    throw problem([...path, 'provider'], 'The form owner/name needs a provider, such as github', provider);
  if (!isShort && !ADDRESS.test(url))
    throw problem([...path, 'url'], 'This is no address that git can fetch', url);
  return { url, ref: ref === '' ? null : ref, provider };
}

/** Whether an address has the form `owner/name`, which means a repository of a provider. */
export function isShortAddress(url: string): boolean {
  return SHORT_ADDRESS.test(url);
}

/** Reads `plugins`. @throws InvalidRequestError */
export function readPlugins(raw: unknown, path: Path): PluginSource[] {
  if (raw === null || raw === undefined) return [];
  if (!Array.isArray(raw) || raw.length > MAX_PLUGINS)
    throw problem(path, `A list of at most ${MAX_PLUGINS} plugins`, raw);
  return raw.map((one: unknown, index) => {
    const { source, ref = null, repo_path = null } = isJsonObject(one) ? one : {};
    if (!isShortText(source) || source === '' || !isShortText(ref ?? '') || !isShortText(repo_path ?? ''))
      throw problem([...path, index], 'A plugin needs a source', one);
    return { source, ref: asText(ref), repo_path: asText(repo_path) };
  });
}

function isShortText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_URL;
}

/** Reads `variants`. @throws InvalidRequestError */
export function readVariants(raw: unknown, path: Path): Variant[] {
  if (raw === null || raw === undefined) return [];
  if (!Array.isArray(raw) || raw.length < 2 || raw.length > 10)
    throw problem(path, 'A list of 2 to 10 variants', undefined);
  return raw.map((one: unknown, index) => {
    const { name, weight, model = null, plugins } = isJsonObject(one) ? one : {};
    const at = [...path, index];
    if (typeof name !== 'string' || name === '' || name.length > 100)
      throw problem([...at, 'name'], 'A variant needs a name', name);
    if (typeof weight !== 'number' || !(weight > 0) || weight > MAX_WEIGHT)
      throw problem([...at, 'weight'], `Input should be greater than 0 and at most ${MAX_WEIGHT}`, weight);
    if (model !== null && (typeof model !== 'string' || model.length > 64))
      throw problem([...at, 'model'], 'Input should be the name of an LLM profile', model);
    const read = readPlugins(plugins, [...at, 'plugins']);
    if (read.length === 0) throw problem([...at, 'plugins'], 'A variant needs a plugin', plugins);
    return { name, weight, model, plugins: read };
  });
}

/** Reads `template`. @throws InvalidRequestError */
export function readTemplate(raw: unknown, path: Path): JsonObject | null {
  if (raw === null || raw === undefined) return null;
  const { id, version, config } = isJsonObject(raw) ? raw : {};
  if (typeof id !== 'string' || id === '' || id.length > 100)
    throw problem([...path, 'id'], 'A template needs an id', id);
  if (typeof version !== 'string' || version.length > 50)
    throw problem([...path, 'version'], 'A template needs a version', version);
  if (config !== undefined && config !== null && !isJsonObject(config))
    throw problem([...path, 'config'], 'Input should be a valid dictionary', undefined);
  if (Buffer.byteLength(JSON.stringify(config ?? {})) > MAX_TEMPLATE_CONFIG)
    throw problem([...path, 'config'], `A configuration has at most ${MAX_TEMPLATE_CONFIG} bytes`, undefined);
  return { id, version, ...(isJsonObject(config) && { config }) };
}

function problem(path: Path, message: string, input: unknown): InvalidRequestError {
  return new InvalidRequestError(
    [...path],
    message,
    typeof input === 'string' ? input.slice(0, 200) : undefined,
  );
}
