const SECRET_NAME = /AUTHORIZATION|COOKIE|CREDENTIAL|KEY|PASSWORD|SECRET|SESSION|TOKEN/i;

/** Something of this name (a header, a field, a variable) is treated as a secret. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}
