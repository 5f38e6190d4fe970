declare module 'seedrandom/lib/alea.js' {
  const alea: (seed: string, options?: { state: boolean | object }) => () => number;
  export default alea;
}
