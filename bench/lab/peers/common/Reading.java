import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;

/** What the job uses of a message. */
final class Reading {
  private static final JsonFactory JSON = JsonFactory.builder()
      .enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER)
      .build();

  final String vehicle;
  final long time;
  final double speed;
  final double engineTemp;
  final double odometer;

  Reading(String vehicle, long time, double speed, double engineTemp,
      double odometer) {
    this.vehicle = vehicle;
    this.time = time;
    this.speed = speed;
    this.engineTemp = engineTemp;
    this.odometer = odometer;
  }

  /**
   * Reads one JSON object to its end. Fields that are not used are checked for
   * being JSON and passed over. Throws if one that is used is not there: the
   * lab feeds no such messages, and a peer that left out work would be wrong.
   */
  static Reading parse(byte[] message) throws IOException {
    String vehicle = null;
    long time = Long.MIN_VALUE;
    double speed = Double.NaN;
    double engineTemp = Double.NaN;
    double odometer = Double.NaN;
    try (JsonParser json = JSON.createParser(message)) {
      if (json.nextToken() != JsonToken.START_OBJECT) throw bad("no object");
      for (String name; (name = json.nextFieldName()) != null;) {
        json.nextToken();
        switch (name) {
          case "vehicle_id" -> vehicle = json.getText();
          case "ts" -> time = json.getLongValue();
          case "speed_kmph" -> speed = json.getDoubleValue();
          case "engine_temp_c" -> engineTemp = json.getDoubleValue();
          case "odometer_km" -> odometer = json.getDoubleValue();
          default -> json.skipChildren();
        }
      }
      if (json.nextToken() != null) throw bad("more than an object");
    }
    if (vehicle == null || time == Long.MIN_VALUE
        || Double.isNaN(speed + engineTemp + odometer)) {
      throw bad("a field is missing");
    }
    return new Reading(vehicle, time, speed, engineTemp, odometer);
  }

  private static IOException bad(String reason) {
    return new IOException("message refused: " + reason);
  }
}
