export { errorCode, errorMessage, errorName, errorStack } from './error-facts.js';
