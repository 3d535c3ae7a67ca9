"""Tables that no installed model owns: found with evidence, backed up, quarantined, dropped."""
