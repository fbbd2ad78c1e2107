/** What a local bridge answers. */
export {};
