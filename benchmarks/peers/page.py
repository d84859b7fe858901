def write_report(tuned, raced): print("no report yet")
