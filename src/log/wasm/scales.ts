/** Powers of ten, exact as float64: what prices are multiplied by to become points. */
export function powerOfTen(digits: u32): f64 {
  let power: f64 = 1;
  for (let k: u32 = 0; k < digits; k++) power *= 10;
  return power;
}
