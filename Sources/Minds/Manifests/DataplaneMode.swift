/// The label that enrolls a namespace's pods, or one pod, and its values (Istio's ambient mode).
public enum DataplaneMode {
  public static let label = "istio.io/dataplane-mode"
  public static let ambient = "ambient"
  public static let none = "none"
}
