/**
 * What the worker has the frame ask of the user, and the answers.
 *
 * Bytes are base64url. `attempt` above 1 goes on in the dialog that is still open,
 * maybe with another question; `error` is what was wrong with the last answer.
 *
 *     worker ──ask──────► frame
 *     worker ◄──begin──── frame     in the click that starts a ceremony
 *     worker ──challenge► frame     two minutes from now
 *     worker ◄──answer─── frame     or refused
 */

import { hasId } from "./calls";
import { parseWireError, type WireError } from "./errors";
import { type Fields, hasFields, isId, isPlainObject, isText, isTextList, isTextOrNull } from "./guards";
import { MAX_MESSAGE_CHARS, MAX_NAME_CHARS } from "./limits";

/** Longest base64url text of a credential's ID (1 023 bytes). */
const MAX_CREDENTIAL_CHARS = 1_364;
const MAX_PASSKEYS = 64;

/** What the user recognises a real prompt by; `colour` is `#rrggbb`. */
export interface Recognition {
  readonly phrase: string;
  readonly colour: string;
}

/** `appSalt` is the PRF input; null for a gate, which is not evaluated. */
export interface PasskeyOption {
  readonly credentialId: string;
  readonly appSalt: string | null;
}

export interface Ceremony {
  readonly rpId: string;
  readonly passkeys: readonly PasskeyOption[];
}

export interface Registration {
  readonly rpId: string;
  readonly userHandle: string;
  readonly userName: string;
  readonly appSalt: string;
  readonly exclude: readonly string[];
}

interface Question {
  readonly id: number;
  /** The request that it is asked for. */
  readonly call: number;
  readonly operation: string;
  readonly origin: string;
  readonly methods: readonly string[];
  readonly attempt: number;
  readonly error: WireError | null;
  readonly recognition: Recognition | null;
}

/** `word`: what the user has to type; null where agreeing is enough. */
export type Ask = Question &
  (
    | { readonly ask: "authenticate"; readonly ceremony: Ceremony | null }
    | { readonly ask: "choosePassphrase" }
    | { readonly ask: "register"; readonly registration: Registration }
    | { readonly ask: "setUp"; readonly registration: Registration }
    | { readonly ask: "confirm"; readonly word: string | null }
    | { readonly ask: "introduce" }
  );

export type AskOf<Kind extends Ask["ask"]> = Extract<Ask, { readonly ask: Kind }>;

export interface PassphraseAnswer {
  readonly method: "passphrase";
  readonly passphrase: string;
}

interface AuthenticatorAnswer {
  readonly credentialId: string;
  readonly clientDataJSON: string;
  readonly authenticatorData: string;
  readonly prfOutput: string | null;
}

export interface AssertionAnswer extends AuthenticatorAnswer {
  readonly signature: string;
}

/** `publicKey` is a SubjectPublicKeyInfo, `algorithm` a COSE number. */
export interface RegistrationAnswer extends AuthenticatorAnswer {
  readonly publicKey: string;
  readonly algorithm: number;
  readonly prfEnabled: boolean;
}

export type AskAnswer =
  | PassphraseAnswer
  | AssertionAnswer
  | RegistrationAnswer
  | { readonly word: string }
  | { readonly agreed: true };

/** `id` is the question's. */
export interface ChallengeMessage {
  readonly id: number;
  readonly challenge: string;
}

/** A passkey that was made and is not enrolled. */
export interface Discarded {
  readonly rpId: string;
  readonly credentialId: string;
}

export type AnswerMessage =
  | { readonly id: number; readonly begin: true }
  | { readonly id: number; readonly answer: AskAnswer }
  | { readonly id: number; readonly refused: WireError };

/** Read a question of the worker; null for what is none. */
export function parseAsk(value: Fields): Ask | null {
  const question = parseQuestion(value);
  if (!question) return null;
  switch (value.ask) {
    case "authenticate": {
      const { ceremony: given = null } = value;
      const ceremony = given === null ? null : parseCeremony(given);
      return given === null || ceremony ? { ...question, ask: "authenticate", ceremony } : null;
    }
    case "choosePassphrase":
    case "introduce":
      return { ...question, ask: value.ask };
    case "register":
    case "setUp": {
      const registration = parseRegistration(value.registration);
      return registration && { ...question, ask: value.ask, registration };
    }
    case "confirm": {
      const { word = null } = value;
      return isTextOrNull(word, MAX_NAME_CHARS) && word !== "" ? { ...question, ask: "confirm", word } : null;
    }
    default:
      return null;
  }
}

/** Read a challenge of the worker; null for what is none. */
export function parseChallenge(value: Fields): ChallengeMessage | null {
  if (!hasId(value)) return null;
  const { id, challenge } = value;
  return isText(challenge, MAX_NAME_CHARS) ? { id, challenge } : null;
}

/** Read which passkey is to be forgotten; null for what is none. */
export function parseDiscarded(value: unknown): Discarded | null {
  if (!hasFields(value, ["rpId", "credentialId"])) return null;
  const { rpId, credentialId } = value;
  if (!isText(rpId, MAX_NAME_CHARS) || !isText(credentialId, MAX_CREDENTIAL_CHARS)) return null;
  return { rpId, credentialId };
}

function parseRecognition(value: unknown): Recognition | null {
  if (!hasFields(value, ["phrase", "colour"])) return null;
  const { phrase, colour } = value;
  if (!isText(phrase, MAX_NAME_CHARS) || !isText(colour, 7) || !/^#[0-9a-f]{6}$/.test(colour)) return null;
  return { phrase, colour };
}

function parseQuestion(value: Fields): Question | null {
  if (!hasId(value) || !hasFields(value, ["operation", "origin"])) return null;
  const { id, call, operation, origin, methods = [], attempt = 1, error = null, recognition = null } = value;
  if (!isId(call) || !isText(operation, MAX_MESSAGE_CHARS) || !isText(origin, MAX_NAME_CHARS)) return null;
  if (!isTextList(methods, 16, MAX_NAME_CHARS) || typeof attempt !== "number") return null;
  return {
    id,
    call,
    operation,
    origin,
    methods,
    attempt,
    error: error === null ? null : parseWireError(error),
    recognition: parseRecognition(recognition),
  };
}

function parseCeremony(value: unknown): Ceremony | null {
  if (!hasFields(value, ["rpId", "passkeys"])) return null;
  const { rpId, passkeys } = value;
  if (!isText(rpId, MAX_NAME_CHARS)) return null;
  if (!Array.isArray(passkeys) || passkeys.length > MAX_PASSKEYS || !passkeys.every(isPasskeyOption)) return null;
  return { rpId, passkeys: passkeys.map(({ credentialId, appSalt }) => ({ credentialId, appSalt })) };
}

function isPasskeyOption(value: unknown): value is PasskeyOption {
  if (!isPlainObject(value)) return false;
  return isText(value.credentialId, MAX_CREDENTIAL_CHARS) && isTextOrNull(value.appSalt, MAX_NAME_CHARS);
}

function parseRegistration(value: unknown): Registration | null {
  if (!hasFields(value, ["rpId", "userHandle", "userName", "appSalt", "exclude"])) return null;
  const { rpId, userHandle, userName, appSalt, exclude } = value;
  const texts = [rpId, userHandle, userName, appSalt] as const;
  if (!texts.every((text) => isText(text, MAX_NAME_CHARS))) return null;
  if (!isTextList(exclude, MAX_PASSKEYS, MAX_CREDENTIAL_CHARS)) return null;
  return { rpId, userHandle, userName, appSalt, exclude } as Registration;
}
