// The package `ws` brings no types of its own; `host.ts` says what it needs of it.
declare module "ws";
