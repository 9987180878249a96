/** The parser's factory, which the package ships without types; its exports are typed where they are used. */
declare module 'libpg-query/wasm/libpg-query.js' {
  const create: () => Promise<unknown>;
  export default create;
}
