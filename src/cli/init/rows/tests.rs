//! Tables of inventories, as rows of a plan.
