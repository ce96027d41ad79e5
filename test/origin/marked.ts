/**
 * Pictures and sound that can be measured: each frame carries its number as sixteen black or white blocks along its upper
 * edge, the lowest bit first, and the sound beeps for 50 ms at each whole second.
 */
export const MARKED_WIDTH = 160;
export const MARKED_BITS = 16;
const BLOCK = MARKED_WIDTH / MARKED_BITS;

/** The pictures as a lavfi source, 160x90, 25 frames a second. */
export const NUMBERED =
  `testsrc2=size=${MARKED_WIDTH}x90:rate=25,format=yuv420p,` +
  `geq=lum='if(lt(Y,20),255*mod(floor(N/pow(2,floor(X/${BLOCK}))),2),lum(X,Y)/2+32)'` +
  ":cb='if(lt(Y,20),128,cb(X,Y))':cr='if(lt(Y,20),128,cr(X,Y))'";

/** The sound as a lavfi source. */
export const beeps = (seconds: number) =>
  `aevalsrc='if(lt(mod(t,1),0.05),0.7*sin(2*PI*1000*t),0)':s=48000:d=${seconds}`;
