"""Results as tables, frames and pictures, in the order in which an analyst asks: what wins, who pays, is it proved."""
