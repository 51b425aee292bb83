//! Where a site lies on the earth.

use serde::{Deserialize, Serialize};

/// A point by WGS 84, in millionths of a degree: 11 cm at the equator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coordinates {
    /// North of the equator, -90,000,000 to 90,000,000.
    pub latitude_udeg: i32,
    /// East of Greenwich, -180,000,000 to 180,000,000.
    pub longitude_udeg: i32,
}
