"""`dondoc doctor`: asks whether an installation is sound, and says of each finding what to do. Changes nothing."""
