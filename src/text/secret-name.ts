const SECRET_NAME = /AUTHORIZATION|COOKIE|CREDENTIAL|KEY|PASSWORD|SECRET|SESSION|TOKEN/i;

/** Whether the value of a header, field or variable of this name is treated as a secret. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}
