import { HttpException } from '@nestjs/common';
import type { Principal } from '../../auth/index.js';
import type { AppConfig } from '../../config/index.js';
import { ConversationExistsError, ownerFilter } from '../../conversations/index.js';
import { bytesOf } from '../fleet/container-plan.js';
import type { ContainerOptions } from '../records/container-record.js';

/**
 * A key of reach `own` may ask for smaller containers than those of the server, not for larger ones.
 * @throws HttpException 403
 */
export function assertWithinLimits(
  options: ContainerOptions | null,
  { conversation_container_memory, conversation_container_cpus }: AppConfig,
  principal: Principal,
): void {
  if (options === null || ownerFilter(principal) === undefined) return;
  if (isMore(bytesOf(options.memory), bytesOf(conversation_container_memory)))
    throw beyond('container.memory', 'conversation_container_memory', conversation_container_memory);
  if (isMore(options.cpus, conversation_container_cpus))
    throw beyond('container.cpus', 'conversation_container_cpus', conversation_container_cpus);
}

/**
 * Whether a principal may get the existing conversation that it asks to create.
 * @param ownerKey of the conversation; undefined: not known
 * @param isDerived the id was made from the text of an idempotency key: a key of reach `own` may have taken
 *   it before, so that others would work in its conversation
 * @throws ConversationExistsError
 */
export function assertExistingIsTheirs(
  id: string,
  ownerKey: string | null | undefined,
  principal: Principal,
  isDerived = false,
): void {
  const owner = ownerFilter(principal);
  if (owner === undefined ? !isDerived || ownerKey === null || ownerKey === principal.id : ownerKey === owner)
    return;
  throw new ConversationExistsError(id);
}

function isMore(wanted: number | null | undefined, limit: number | null | undefined): boolean {
  return typeof wanted === 'number' && typeof limit === 'number' && wanted > limit;
}

function beyond(field: string, setting: string, limit: string | number | null): HttpException {
  return new HttpException(
    { detail: `${field}: with this key at most ${limit ?? ''}, the limit of the server (${setting})` },
    403,
  );
}
