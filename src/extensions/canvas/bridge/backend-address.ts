import { BadRequestException } from '@nestjs/common';
import { nameField, OTHER_NAME } from '../../installation/installation.dto.js';
import { ExtensionNamePipe } from '../../installation/name.pipe.js';

/** Keys that clients put into addresses; they are the server's, and no back end's. */
const KEYS = new Set(['session_api_key', 'x-session-api-key', 'authorization']);
const ADDRESS = /^\/app-backends\/([^/?]+)(\/[^?]*)?(?:\?(.*))?$/s;
/** So often something may be encoded. */
const MAX_ROUNDS = 16;

const name = new ExtensionNamePipe('extension_name', OTHER_NAME);

/** What a request below `/app-backends` is about. */
export interface BackendAddress {
  name: string;
  /** What the back end is asked for: path and query, without keys. */
  target: string;
}

/** Whether an address is one of a back end. */
export function isBackendAddress(url: string): boolean {
  return ADDRESS.test(url);
}

/**
 * Reads an address as it came: nothing is resolved, nothing is decoded twice.
 * @throws BadRequestException, RequestValidationError
 */
export function parseBackendAddress(url: string): BackendAddress {
  const [, written = '', path = '/', query] = ADDRESS.exec(url) ?? [];
  if (isPathTraversal(path) || isPathTraversal(written)) throw new BadRequestException('Invalid backend path');
  const target = path.replace(/^\/+/, '/');
  const kept = (query ?? '').split('&').filter((parameter) => !isKey(parameter));
  const rest = kept.join('&');
  return { name: name.transform(written), target: rest === '' ? target : `${target}?${rest}` };
}

/** However it is spelled. */
function isPathTraversal(path: string): boolean {
  let text = path;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    if (/[\\\u0000-\u001f]/.test(text)) return true;
    if (text.split('/').some((part) => part === '.' || part === '..')) return true;
    const next = decoded(text);
    if (next === undefined) return round === 0;
    if (next === text) return false;
    text = next;
  }
  return true;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function isKey(parameter: string): boolean {
  const [key = ''] = parameter.split('=');
  return KEYS.has((decoded(key.replaceAll('+', ' ')) ?? key).toLowerCase());
}

export const nameSchema = nameField(OTHER_NAME).schema();
