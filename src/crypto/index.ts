export { Cipher, isToken } from './cipher.js';
export { CryptoModule } from './crypto.module.js';
export { KnownSecrets } from './known-secrets.js';
export { MASK, isSecretName, redact } from './redact.js';
export {
  decryptSecrets,
  encryptSecrets,
  hideSecrets,
  maskSecrets,
  secretTexts,
  type DecryptedSecrets,
  type KeptToken,
  type KeptTokens,
} from './secrets.js';
export { StoredSecrets } from './stored-secrets.js';
