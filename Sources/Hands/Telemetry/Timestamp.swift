/// Wall time as text (RFC 3339, UTC, microseconds).
public enum Timestamp {
  static func text(_ nanoseconds: Int64) -> String {
    let micros = floorDivide(nanoseconds, 1_000)
    let seconds = floorDivide(micros, 1_000_000)
    return "\(secondsText(seconds)).\(pad(micros - seconds * 1_000_000, 6))Z"
  }

  /// Whole seconds since 1970.
  public static func text(seconds: Int64) -> String { "\(secondsText(seconds))Z" }

  private static func secondsText(_ seconds: Int64) -> String {
    let days = floorDivide(seconds, 86_400)
    let second = seconds - days * 86_400
    let (year, month, day) = date(daysSince1970: days)
    return
      "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T\(pad(second / 3_600, 2)):"
      + "\(pad(second / 60 % 60, 2)):\(pad(second % 60, 2))"
  }

  /// The date of the proleptic Gregorian calendar. Years are counted from March, so that the leap day is the
  /// last of its year.
  private static func date(daysSince1970 days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    // Days since 0000-03-01; an era is 400 years.
    let shifted = days + 719_468
    let era = floorDivide(shifted, 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
  }

  private static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
    value >= 0 ? value / divisor : -((-value + divisor - 1) / divisor)
  }

  private static func pad(_ value: Int64, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
