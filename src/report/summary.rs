//! The text at the end of a run, for people: counts that add up to the plan, then what did not pass, the near faults
//! first, then the bench's own troubles, then what was written.
