import { runErrorAdvice, type ErrorAdvice } from '../../api/run-error-advice.js';
import { recordAt, textAt, type WireEvent } from '../stream/wire-event.js';

/** What to tell a person about an event of an error. */
export function errorEventAdvice(event: WireEvent): ErrorAdvice {
  return runErrorAdvice(textAt(event, 'code'), textAt(recordAt(event, 'classification'), 'kind'));
}
