export { DomainError, InvalidRequestError, type ErrorKind } from './domain-error.js';
export { errorCode, errorMessage, errorName, errorStack } from './error-facts.js';
