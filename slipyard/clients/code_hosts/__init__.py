"""The doors to the APIs of code hosts: one file each, behind one interface."""
