export { Cipher, isToken } from './cipher.js';
export { CryptoModule } from './crypto.module.js';
export {
  ENCRYPTED_PLACES,
  FileSecrets,
  restoreMasked,
  tokenSecrets,
  withoutSecrets,
} from './file-secrets.js';
export { formatNamedKey, parseNamedKey } from './named-key.js';
export { KnownSecrets } from './known-secrets.js';
export { maskLooseSecrets } from './loose-secrets.js';
export { MASK } from './mask.js';
export { isSecretName, redact, isEnvironmentOrHeaders, isKeyHolder, isSecretGroup } from './redact.js';
export { parsePointer } from './secret-places.js';
export {
  decryptSecrets,
  encryptSecrets,
  hideSecrets,
  isBlank,
  maskSecrets,
  openStored,
  openTokens,
  sealForOriginal,
  secretTexts,
} from './secrets.js';
export { maskUserinfo } from './userinfo.js';
export { SecretCodec } from './secret-codec.js';
export { AddressProofs, type AddressProblem } from './address-proofs.js';
export { ClusterKeys } from './cluster-keys.js';
